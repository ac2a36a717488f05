#!/bin/sh
# Đèn Sách: the agent in one file. Installs, upgrades, removes; needs no network.
#
#   sudo sh densach-agent.run                                 install or upgrade
#   sudo sh densach-agent.run --hub http://hub.lan:8080       … and join this hub (--token-file FILE: into its room)
#   sudo sh densach-agent.run --uninstall | --purge           remove; with all that it kept
set -eu
umask 022

die() { # die CODE VIETNAMESE ENGLISH
    case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
    vi*) printf '%s: %s\n' "$1" "$2" >&2 ;;
    *) printf '%s: %s\n' "$1" "$3" >&2 ;;
    esac
    exit 1
}

if [ -z "${DENSACH_PREFIX-}" ] && [ "$(id -u)" != 0 ]; then
    die install.not-root "cần quyền quản trị: thêm sudo" "administrator rights are needed: add sudo"
fi
python=
older=
for name in python3 python3.14 python3.13 python3.12 python3.11; do
    command -v "$name" >/dev/null || continue
    case $("$name" -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null) in
    True)
        python=$name
        break
        ;;
    False) older=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])') ;;
    esac
done
if [ -z "$python" ]; then
    if [ -n "$older" ]; then
        die install.python-too-old "cần Python 3.11 trở lên, máy này có $older: hãy cài gói python3.11" \
            "Python 3.11 or newer is needed, here is $older: install the package python3.11"
    fi
    die install.no-python "cần Python 3.11 trở lên: hãy cài gói python3" "Python 3.11 or newer is needed: install the package python3"
fi
case $(tail -c @BYTES@ "$0" | sha256sum) in
@SHA256@*) ;;
*) die install.damaged "tệp bị hỏng hoặc thiếu: hãy chép lại" "the file is damaged or not complete: copy it again" ;;
esac
"$python" -I "$0" "$@" && code=0 || code=$?
exit "$code"
