#!/bin/sh
# Đèn Sách: makes this machine one of the school's: fetches the agent from the hub (no Internet needed), joins, starts it.
#
#   curl -fsS @HUB@/join/linux.sh | sudo sh -s -- TOKEN
#
# Without a token the machine waits until a technician admits it on the hub. Again on the same machine: brings the agent
# up to date, keeps who it is. Nothing outside these folders is touched but the service's unit and its user:
prefix=${DENSACH_PREFIX:-/opt/densach}
data=${DENSACH_DATA:-/var/lib/densach-agent}
hub=${DENSACH_HUB:-@HUB@}
set -eu
umask 022

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# The token: the first argument, or the first line of the input where this script is a file (so `ps` never shows it).
token=${1-}
if [ -z "$token" ] && [ -f "$0" ] && [ ! -t 0 ]; then
    IFS= read -r token || true
fi

# First what could stop us, then the work.
if [ -z "${DENSACH_PREFIX-}" ] && [ "$(id -u)" != 0 ]; then
    die "Cần quyền quản trị: thêm sudo. / Administrator rights are needed: add sudo."
fi
python=
for name in python3 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(command -v "$name")
        break
    fi
done
[ -n "$python" ] || die "Cần Python 3.11 trở lên (gói python3). / Python 3.11 or newer is needed (package python3)."
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "… python$version-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get install -y -qq "python$version-venv" >/dev/null 2>&1 || apt-get install -y -qq python3-venv >/dev/null 2>&1 || true
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "Thiếu gói python3-venv: hãy cài rồi chạy lại. / Install the package python3-venv and run this again."
fi

get() { # get ADDRESS FILE
    "$python" - "$1" "$2" <<'PYTHON'
import sys, urllib.error, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=60) as answer, open(sys.argv[2], "wb") as file:
        while part := answer.read(1 << 20):
            file.write(part)
except (OSError, urllib.error.URLError) as error:
    sys.exit(f"{sys.argv[1]}: {getattr(error, 'reason', error)}")
PYTHON
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "1/4 $hub"
get "$hub/join/kit/index.txt" "$work/index.txt" ||
    die "Không tới được máy chủ trường $hub. / The school's hub cannot be reached."
tag=$("$python" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
while read -r digest name; do
    case $name in
    *[!A-Za-z0-9_.+!-]* | .* | '') die "kit: $name" ;;
    *-"$tag"-"$tag"-*) ;;
    *-cp3[0-9]*-cp3[0-9]*-*) continue ;; # for another Python
    esac
    get "$hub/join/kit/$name" "$work/$name"
    printf '%s  %s\n' "$digest" "$work/$name" >>"$work/sums"
done <"$work/index.txt"
sha256sum --quiet --check "$work/sums" ||
    die "Tệp tải về bị hỏng, hãy chạy lại. / A download is damaged: run this again."

say "2/4 $prefix"
mkdir -p "$prefix" "$data"
[ -x "$prefix/venv/bin/python" ] || "$python" -m venv "$prefix/venv"
own=$(echo "$work"/densach-*.whl)
pip() { "$prefix/venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
if ! pip install --no-index --find-links "$work" --force-reinstall --no-deps "$own" ||
    ! pip install --no-index --find-links "$work" "$own" 2>"$work/pip.log"; then
    say "    Bộ cài của máy chủ chưa đủ cho máy này, thử qua Internet… / The hub's kit lacks something, trying the Internet…"
    pip install --find-links "$work" "$own" || {
        cat "$work/pip.log" >&2
        die "Không cài được. Hãy bổ sung bộ cài trên máy chủ. / Not installed: fill the kit on the hub."
    }
fi
if [ -d /usr/local/bin ] && [ "$(id -u)" = 0 ] && [ -z "${DENSACH_PREFIX-}" ]; then
    ln -sf "$prefix/venv/bin/densach" /usr/local/bin/densach
fi

say "3/4 …"
systemd=
if [ "$(id -u)" = 0 ] && [ -z "${DENSACH_PREFIX-}" ] && [ -d /run/systemd/system ]; then systemd=yes; fi
if [ -n "$systemd" ]; then systemctl stop densach-agent.service 2>/dev/null || true; fi
chmod 700 "$data"
if [ -n "$token" ]; then
    printf '%s\n' "$token" | "$prefix/venv/bin/densach" agent enrol --hub "$hub" --token-file - --no-wait --data "$data"
else
    "$prefix/venv/bin/densach" agent enrol --hub "$hub" --no-wait --data "$data"
fi

if [ -z "$systemd" ]; then
    say "4/4 $prefix/venv/bin/densach agent run --data $data"
    exit 0
fi
id densach >/dev/null 2>&1 || useradd --system --home-dir "$data" --no-create-home --shell /usr/sbin/nologin densach
chown -R densach: "$data"
cat >/etc/systemd/system/densach-agent.service <<UNIT
[Unit]
Description=Đèn Sách agent: tells the school's hub what this machine is and how it is used
After=network.target
StartLimitIntervalSec=0

[Service]
ExecStartPre=+-$prefix/venv/bin/python -m densach_agent.facts $data
ExecStart=$prefix/venv/bin/densach agent run --data $data
User=densach
Restart=always
RestartSec=20
TimeoutStopSec=20
UMask=0077
Nice=10
IOSchedulingClass=idle
MemoryMax=160M
TasksMax=64
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=$data
ProtectHome=read-only
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
RestrictNamespaces=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK

[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --quiet densach-agent.service
systemctl restart densach-agent.service
say "4/4 systemctl status densach-agent"
