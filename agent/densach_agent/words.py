"""The agent's few sentences for people, in English and Vietnamese (by the user's locale). The server's catalogues are
not installed on a lab machine; logs and codes stay English."""

import os
import re

from densach_agent.machine import Machine

VIETNAMESE = {
    "Admitted as {device}. Next: densach agent run --data {data}":
        "Đã được nhận với mã {device}. Tiếp theo: densach agent run --data {data}",
    "The hub refuses: {reason}": "Máy chủ từ chối: {reason}",
    "no reason given": "không nêu lý do",
    "Waiting to be admitted: a technician opens /lab on the hub and clicks “admit”.":
        "Đang chờ được nhận: nhân viên kỹ thuật mở trang /lab trên máy chủ và bấm “Nhận máy”.",
    "{folder} is not empty": "Thư mục {folder} không trống",
    "{count} files in {folder}. Read them before giving them away.":
        "Đã ghi {count} tệp vào {folder}. Hãy xem lại trước khi gửi cho người khác.",
    "… {count} in all (--json shows them)": "… tất cả {count} (xem đủ bằng --json)",
    "(user names leave this machine only as digests, unless the school switches names on)":
        "(tên người dùng chỉ rời máy dưới dạng mã băm, trừ khi nhà trường bật gửi tên)",
    "the token cannot be used: {why}; copy it again from the hub's page /join":
        "không dùng được mã ghi danh: {why}; hãy chép lại mã từ trang /join của máy chủ",
    "the hub's answer is not complete; is it a newer version than this agent?":
        "câu trả lời của máy chủ không đầy đủ; có thể máy chủ mới hơn phần mềm trên máy này",
    "the hub sent no certificate although its broker asks for one":
        "máy chủ không gửi chứng thư dù kết nối cần chứng thư",
    "the hub's certificate cannot be read: {why}": "không đọc được chứng thư của máy chủ: {why}",
    "this is not the hub that the token was made by (its certificate is another one): check the address":
        "đây không phải máy chủ đã cấp mã (chứng thư khác): hãy kiểm tra lại địa chỉ",
    "the certificate does not fit the key ({why}): run the command again":
        "chứng thư không khớp với khóa ({why}): hãy chạy lại lệnh",
    "no key could be made: {why}": "không tạo được khóa: {why}",
    "not the address of a hub: {url} (http://… or https://…)":
        "{url} không phải địa chỉ máy chủ (cần http://… hoặc https://…)",
    "the hub answers {status}: {why}": "máy chủ trả lời {status}: {why}",
    "no hub at {url}: {why}": "không liên lạc được máy chủ tại {url}: {why}",
    "what answers at {url} is no hub: {why}": "nơi trả lời tại {url} không phải máy chủ Đèn Sách: {why}",
    "no hub is known: run `densach agent enrol --hub URL`":
        "chưa biết máy chủ: hãy chạy `densach agent enrol --hub URL`",
    "waiting to be admitted": "đang chờ được nhận",
    "the agent is running and would enrol again: stop it first (systemctl stop densach-agent)":
        "phần mềm đang chạy và sẽ ghi danh lại: hãy dừng trước (systemctl stop densach-agent)",
    "Identity, key and outbox are gone from {folder}.": "Đã xóa định danh, khóa và hàng chờ khỏi {folder}.",
    "Left alone: /etc/machine-id (add --machine-id, as root).":
        "Giữ nguyên: /etc/machine-id (thêm --machine-id với quyền root để xóa).",
    "{file}: {why}; run this as root": "{file}: {why}; hãy chạy với quyền root",
    "/etc/machine-id is empty: each copy makes its own at first start.":
        "/etc/machine-id đã trống: mỗi bản sao sẽ tự tạo mã riêng khi khởi động lần đầu.",
    "Each copy joins by itself at first start, by the join-token in {folder}.":
        "Mỗi bản sao sẽ tự ghi danh khi khởi động lần đầu, bằng join-token trong {folder}.",
    "No join-token in {folder}: each copy will wait until a technician admits it.":
        "Không có join-token trong {folder}: mỗi bản sao sẽ chờ đến khi nhân viên kỹ thuật nhận máy.",
    "The host keys of ssh are gone: let each copy run `ssh-keygen -A` at first start.":
        "Đã xóa khóa máy của ssh: hãy để mỗi bản sao chạy `ssh-keygen -A` khi khởi động lần đầu.",
    "Left alone: the host keys of ssh, the same on all copies (add --ssh-host-keys).":
        "Giữ nguyên: khóa máy của ssh, giống nhau trên mọi bản sao (thêm --ssh-host-keys để xóa).",
    "This disk is sealed for cloning: the agent starts with the next start of the machine.":
        "Ổ đĩa này đã niêm phong để sao chép: phần mềm chỉ chạy lại từ lần khởi động máy kế tiếp.",
    "This machine is {device} of school {school} (hub {hub}).":
        "Máy này là {device} của trường {school} (máy chủ {hub}).",
    "This machine waits to be admitted: a technician opens /lab on the hub and clicks “admit”.":
        "Máy này đang chờ được nhận: nhân viên kỹ thuật mở trang /lab trên máy chủ và bấm “Nhận máy”.",
    "This machine has joined no school. Next: densach agent enrol --hub {hub}":
        "Máy này chưa thuộc trường nào. Tiếp theo: densach agent enrol --hub {hub}",
    "Records are in memory only ({why}): make room on the disk.":
        "Số liệu chỉ còn giữ trong bộ nhớ ({why}): hãy giải phóng dung lượng đĩa.",
    "The agent does not run. Next: densach agent run --data {folder}":
        "Phần mềm không chạy. Tiếp theo: densach agent run --data {folder}",
    "Waiting to be told: {kinds}. Acknowledged by the hub up to {acked}.":
        "Đang chờ gửi: {kinds}. Máy chủ đã xác nhận đến số {acked}.",
    "nothing": "không có gì",
    "The agent {version} is connected since {when}.":
        "Phần mềm {version} đã kết nối từ {when}.",
    "The broker answers but the hub does not: records wait until it is back.":
        "Đường truyền thông nhưng máy chủ chưa trả lời: số liệu được giữ đến khi máy chủ hoạt động lại.",
    "The agent {version} is not connected since {when}: {why}.":
        "Phần mềm {version} mất kết nối từ {when}: {why}.",
    "Next try in {seconds} s.":
        "Thử lại sau {seconds} giây.",
    "The agent {version} runs and measures: {why}.":
        "Phần mềm {version} đang chạy và vẫn đo: {why}.",
    "The agent has said nothing for minutes. Next: systemctl restart densach-agent":
        "Phần mềm đứng yên nhiều phút. Tiếp theo: systemctl restart densach-agent",
    "This machine's clock is {span} behind the hub's.":
        "Đồng hồ máy này chậm {span} so với máy chủ.",
    "This machine's clock is {span} ahead of the hub's.":
        "Đồng hồ máy này nhanh {span} so với máy chủ.",
    "Nothing is lost by it: the hub puts it right.":
        "Không mất số liệu nào: máy chủ tự chỉnh lại.",
    "{count} {kind} (oldest {when})":
        "{count} {kind} (cũ nhất {when})",
    "Dropped for want of room or for age, and said so to the hub: {kinds}.":
        "Đã bỏ vì hết chỗ hoặc quá cũ, có báo máy chủ: {kinds}.",
    "It is told when the agent runs again.":
        "Sẽ gửi khi phần mềm chạy lại.",
    "It is told when this machine has joined.":
        "Sẽ gửi khi máy này được nhận.",
    "It is told when there is a connection again.":
        "Sẽ gửi khi có kết nối lại.",
    "It is told when the hub is back.":
        "Sẽ gửi khi máy chủ hoạt động lại.",
    "It is on its way, or waits up to half a minute for company.":
        "Đang gửi, hoặc chờ tối đa nửa phút để gửi chung.",
    "An inventory is being taken now.":
        "Đang kiểm kê máy.",
    "Last inventory: {when}.":
        "Kiểm kê gần nhất: {when}.",
    "{section}: only root may read it ({reason}).":
        "{section}: chỉ root đọc được ({reason}).",
    "{section}: it took too long; tried again at the next inventory.":
        "{section}: quá thời gian; lần kiểm kê sau sẽ thử lại.",
    "{section}: it failed ({reason}).":
        "{section}: không đọc được ({reason}).",
    "Refused here whoever asks ({folder}/agent.toml): {names}.":
        "Máy này luôn từ chối, dù ai yêu cầu ({folder}/agent.toml): {names}.",
    "not told to the hub yet":
        "chưa báo máy chủ",
    "Asked lately:":
        "Yêu cầu gần đây:",
    "{n} d": "{n} ngày", "{n} h": "{n} giờ", "{n} min": "{n} phút", "{n} s": "{n} giây",
    "accepted": "đang làm", "done": "đã xong", "refused": "từ chối",
    "{span} ago":
        "{span} trước",
    "This machine restarts in {seconds} seconds. Save your work.":
        "Máy này sẽ khởi động lại sau {seconds} giây. Hãy lưu bài đang làm.",
    "This machine switches off in {seconds} seconds. Save your work.":
        "Máy này sẽ tắt sau {seconds} giây. Hãy lưu bài đang làm.",
    "To go on working, move the mouse or press a key.": "Nếu còn dùng máy, hãy di chuột hoặc bấm một phím.",
    "Not switched off: somebody is at work.": "Không tắt máy nữa vì có người đang dùng.",
    "This is {name}.": "Đây là máy {name}.",
    "another agent runs on {folder} already": "đã có một chương trình theo dõi khác đang chạy với {folder}",
}  # fmt: skip


def say(sentence: str, **values: object) -> str:
    """The sentence in the user's language, filled in."""
    text = VIETNAMESE.get(sentence, sentence) if speaks_vietnamese() else sentence
    return text.format(**values)


def adopt_language(machine: Machine) -> None:
    """A service is started without the language that the school chose for the machine: takes it from where log-in does,
    for what is said to the people who sit here."""
    if any(os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")):
        return
    for path in ("etc/default/locale", "etc/locale.conf"):
        if found := re.search(r"^LANG=[\"']?([\w.@-]+)", machine.whole(path, 4096) or "", re.MULTILINE):
            os.environ["LANG"] = found[1]
            return


def speaks_vietnamese() -> bool:
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return locale.startswith("vi")
