"""Field reports (phản ánh, kiến nghị): what people see at a place, on its way to an answer and a rating."""
