#!/bin/sh
# Đèn Sách: makes this machine one of the school's: fetches the agent's one file from the hub (no Internet needed) and
# runs it: it installs the agent as a service and joins.
#
#   wget -qO densach.sh @HUB@/join/linux.sh && echo TOKEN | sudo sh densach.sh
#
# Without a token the machine waits until a technician admits it on the hub. Again on the same machine: brings the agent
# up to date, keeps who it is.
hub=${DENSACH_HUB:-@HUB@}
set -eu
umask 077

die() { # die CODE VIETNAMESE ENGLISH
    case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
    vi*) printf '%s: %s\n' "$1" "$2" >&2 ;;
    *) printf '%s: %s\n' "$1" "$3" >&2 ;;
    esac
    exit 1
}

# The token: the first line of the input where this script is a file (so `ps` never shows it), else the first argument.
token=${1-}
if [ -z "$token" ] && [ -f "$0" ] && [ ! -t 0 ]; then
    IFS= read -r token || true
fi

if [ -z "${DENSACH_PREFIX-}" ] && [ "$(id -u)" != 0 ]; then
    die install.not-root "cần quyền quản trị: thêm sudo" "administrator rights are needed: add sudo"
fi
command -v python3 >/dev/null || command -v python3.11 >/dev/null ||
    die install.no-python "cần Python 3.11 trở lên: hãy cài gói python3" "Python 3.11 or newer is needed: install the package python3"

get() { # get ADDRESS FILE; 22: the hub answers, but not with this
    if command -v curl >/dev/null; then
        curl -fsS --retry 3 -o "$2" "$1"
    elif command -v wget >/dev/null; then
        wget -q -O "$2" "$1" || { [ $? != 8 ] || return 22; return 1; }
    else
        "$(command -v python3 || command -v python3.11)" - "$1" "$2" <<'PYTHON'
import sys, urllib.error, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=60) as answer, open(sys.argv[2], "wb") as file:
        while part := answer.read(1 << 20):
            file.write(part)
except urllib.error.HTTPError:
    sys.exit(22)
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error}")
PYTHON
    fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '%s\n' "$hub"
get "$hub/join/kit/densach-agent-$(uname -m).run" "$work/densach-agent.run" && code=0 || code=$?
case $code in
0) ;;
22) die install.kit-not-whole "bộ cài trên máy chủ $hub chưa đủ cho máy này: hãy bổ sung ở đó (densach hub kit)" \
    "the kit on the hub $hub lacks what this machine needs: fill it there (densach hub kit)" ;;
*) die install.no-hub "không tới được máy chủ trường $hub: hãy kiểm tra mạng" "the school's hub $hub cannot be reached: check the network" ;;
esac
if [ -n "$token" ]; then
    printf '%s\n' "$token" | sh "$work/densach-agent.run" --hub "$hub" --token-file -
else
    sh "$work/densach-agent.run" --hub "$hub" </dev/null
fi
