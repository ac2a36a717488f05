"""What the installer says, by stable code, in English and Vietnamese. It runs before the agent is there, so it leans on
nothing of it."""

import os

SAID = {
    "install.no-wheels": (
        "this file holds no {names} for Python {python} on {machine}; ask the hub for a newer one",
        "tệp này không có {names} cho Python {python} trên {machine}; hãy lấy tệp mới hơn từ máy chủ",
    ),
    "install.no-space": ("not enough room in {folder}: {size} MB are needed", "không đủ chỗ trong {folder}: cần {size} MB"),
    "install.busy": ("another installation is under way; wait for it", "một lần cài khác đang chạy; hãy chờ xong"),
    "install.package": (
        "the agent is installed as a package here: upgrade it with the .deb file, remove it with apt",
        "máy này đã cài phần mềm bằng gói: hãy nâng cấp bằng tệp .deb, gỡ bằng apt",
    ),
    "install.not-enrolled": (
        "the agent is installed but the hub did not take it; run this again when the hub answers",
        "đã cài phần mềm nhưng máy chủ chưa nhận máy này; hãy chạy lại khi máy chủ trả lời",
    ),
    "install.failed": ("{file}: {why}", "{file}: {why}"),
    "installed": (
        "Installed. Next: sudo densach agent enrol --hub URL",
        "Đã cài xong. Tiếp theo: sudo densach agent enrol --hub URL",
    ),
    "removed": ("The agent is removed.", "Đã gỡ phần mềm."),
}


def told(code: str, **values: object) -> str:
    """The sentence in the user's language, filled in."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return SAID[code][locale.startswith("vi")].format(**values)
