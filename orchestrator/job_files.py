"""What the files of a job are called: those that it leaves, and its order."""

WEIGHTS = "weights.safetensors"
LOGITS = "logits.f32"
REPORT = "report.json"
SHEET = "sheet.png"
TASK = "task.json"
