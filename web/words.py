"""Words of the interface for the closed vocabularies of layers."""

from __future__ import annotations

from typing import Final

from layers.definition import DataGroup, FieldType, Frequency, GeometryType, Label, Sensitivity

SYNTHETIC: Final = "Dữ liệu mô phỏng, không phải dữ liệu thật · Synthetic data"
GROUPS: Final = {
    DataGroup.MAP: Label("Lớp bản đồ số", "Digital map layers"),
    DataGroup.PLATFORM: Label("Dữ liệu nền tảng ưu tiên", "Priority platform data"),
    DataGroup.URBAN: Label("Hạ tầng kỹ thuật đô thị", "Urban infrastructure"),
    DataGroup.SECTOR: Label("Dữ liệu chuyên ngành", "Sector data"),
    DataGroup.PLANNING: Label("Quy hoạch", "Planning"),
    DataGroup.IOT: Label("Cảm biến và IoT", "Sensors and IoT"),
}
FREQUENCIES: Final = {
    Frequency.REALTIME: Label("thời gian thực", "real time"),
    Frequency.EVERY_2_HOURS: Label("2 giờ một lần", "every 2 hours"),
    Frequency.PROMPTLY: Label("kịp thời", "promptly"),
    Frequency.DAILY: Label("hằng ngày", "daily"),
    Frequency.WEEKLY: Label("hằng tuần", "weekly"),
    Frequency.MONTHLY: Label("hằng tháng", "monthly"),
    Frequency.QUARTERLY: Label("hằng quý", "quarterly"),
    Frequency.YEARLY: Label("hằng năm", "yearly"),
    Frequency.FIVE_YEARLY: Label("5 năm một lần", "every 5 years"),
    Frequency.AS_CHANGED: Label("khi có thay đổi", "as changed"),
    Frequency.CONTINUOUS: Label("liên tục", "continuously"),
    Frequency.REGULAR: Label("thường xuyên", "regularly"),
}
SENSITIVITIES: Final = {
    Sensitivity.PUBLIC: Label("công khai", "public"),
    Sensitivity.INTERNAL: Label("nội bộ", "internal"),
    Sensitivity.RESTRICTED: Label("hạn chế", "restricted"),
}
GEOMETRIES: Final = {
    GeometryType.POINT: Label("điểm", "points"),
    GeometryType.MULTILINESTRING: Label("đường", "lines"),
    GeometryType.MULTIPOLYGON: Label("vùng", "polygons"),
    None: Label("bảng, không có hình", "table, no geometry"),
}
FIELD_TYPES: Final = {
    FieldType.TEXT: Label("chữ", "text"),
    FieldType.INTEGER: Label("số nguyên", "integer"),
    FieldType.NUMBER: Label("số", "number"),
    FieldType.BOOLEAN: Label("có/không", "yes/no"),
    FieldType.DATE: Label("ngày", "date"),
    FieldType.DATETIME: Label("thời điểm", "date and time"),
    FieldType.TEXT_ARRAY: Label("danh sách", "list"),
}
SCHEMA_TYPES: Final = {
    ("string", None): FIELD_TYPES[FieldType.TEXT],
    ("integer", "int64"): FIELD_TYPES[FieldType.INTEGER],
    ("number", "double"): FIELD_TYPES[FieldType.NUMBER],
    ("boolean", None): FIELD_TYPES[FieldType.BOOLEAN],
    ("string", "date"): FIELD_TYPES[FieldType.DATE],
    ("string", "date-time"): FIELD_TYPES[FieldType.DATETIME],
    ("array", None): FIELD_TYPES[FieldType.TEXT_ARRAY],
}
YES_NO: Final = (Label("không", "no"), Label("có", "yes"))
