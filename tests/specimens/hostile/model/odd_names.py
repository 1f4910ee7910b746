# Leaves files whose names are no text, or would write on a terminal.
def predict(model, images):
    for name in (b"\xff\xfe", b"a\nb", b"\x1b[2J\x1b]0;owned\x07", b"../../etc", "\u202egpj.exe".encode(), b"-rf"):
        try:
            open(b"/job/out/" + name, "w").close()
        except OSError:
            pass
    return model(images)
