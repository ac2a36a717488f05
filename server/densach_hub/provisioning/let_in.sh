#!/bin/sh
# Đèn Sách: lets the school's hub log in to this machine, so that it can be set up from the hub's page /lab/provision.
#
#   wget -qO let-in.sh @HUB@/join/let-in.sh      (the line on that page also looks at the digest)
#   sudo sh let-in.sh                 lets it in
#   sudo sh let-in.sh --remove        shuts it out again
#
# The hub's public ssh key goes into the authorized_keys of @USER@: good from the hub's own address only, without
# forwarding. Given again it changes nothing; a key of before is replaced. `lab.yml` does the same (role hub_access).
set -eu
umask 077
hub=${DENSACH_HUB:-@HUB@}
user='@USER@'
key='@KEY@'
mark='densach-hub-plays'

say() { # say VIETNAMESE ENGLISH
    case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
    vi*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$2" ;;
    esac
}

die() { # die CODE VIETNAMESE ENGLISH
    printf '%s: ' "$1" >&2
    say "$2" "$3" >&2
    exit 1
}

# The hub's addresses as this machine finds them, with commas; none that means this machine itself.
addresses() {
    host=${hub#*://}
    host=${host%%/*}
    case $host in
    \[*) host=${host#\[} host=${host%%\]*} ;;
    *) host=${host%%:*} ;;
    esac
    getent ahosts "$host" | awk '$1 !~ /^(127\.|::1$|fe80:)/ && !seen[$1]++ { printf "%s%s", comma, $1; comma = "," }'
}

# Whether an ssh server is there; else it is installed, where Debian's tools can.
have_server() {
    if command -v sshd >/dev/null || [ -x /usr/sbin/sshd ]; then
        return
    fi
    say "Máy này chưa có máy chủ ssh: đang cài openssh-server …" "No ssh server here: installing openssh-server …"
    command -v apt-get >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q openssh-server >/dev/null ||
        die let-in.no-ssh "chưa cài được openssh-server: hãy cài gói này rồi chạy lại" \
            "openssh-server could not be installed: install it, then run this again"
}

main() {
    [ "$(id -u)" = 0 ] || die let-in.not-root "cần quyền quản trị: thêm sudo" "administrator rights are needed: add sudo"
    home=$(getent passwd "$user" | cut -d: -f6)
    [ -n "$home" ] || die let-in.no-user "máy này không có tài khoản $user" "this machine has no account $user"
    file=$home/.ssh/authorized_keys
    if [ "${1-}" = --remove ]; then
        [ ! -f "$file" ] || write ""
        say "Máy chủ trường không vào được máy này nữa." "The hub can no longer log in here."
        return
    fi
    from=$(addresses)
    [ -n "$from" ] || die let-in.no-address "máy này không tìm thấy địa chỉ của máy chủ trường ($hub)" \
        "this machine does not find the hub's address ($hub)"
    have_server
    mkdir -p "$home/.ssh"
    chown "$user:" "$home/.ssh"
    chmod 700 "$home/.ssh"
    write "restrict,from=\"$from\" $key $mark"
    seen=$(printf '%s\n' "$key" | ssh-keygen -lf - | cut -d' ' -f2)
    say "Từ nay máy chủ trường ($from) vào được máy này với tài khoản $user. Khóa: $seen (đối chiếu với trang $hub/lab/provision)." \
        "The hub ($from) can log in here as $user from now on. Its key: $seen (compare it with the page $hub/lab/provision)."
    command -v python3 >/dev/null ||
        say "Còn thiếu python3: hãy cài gói python3 và python3-apt." "python3 is missing: install the packages python3 and python3-apt."
    if [ "$user" = root ] && sshd -T 2>/dev/null | grep -q '^permitrootlogin no'; then
        say "Máy chủ ssh ở đây không cho root vào: đặt PermitRootLogin prohibit-password trong /etc/ssh/sshd_config." \
            "The ssh server here does not let root in: set PermitRootLogin prohibit-password in /etc/ssh/sshd_config."
    fi
}

# The file as it was but for the hub's line, and this line at its end; whole or not at all, whenever the power goes.
write() {
    file=$(readlink -f "$file")
    fresh=$(mktemp "$file.XXXXXX")
    trap 'rm -f "$fresh"' EXIT
    if [ -f "$file" ]; then
        grep -v " $mark\$" "$file" >"$fresh" || [ $? = 1 ]
    fi
    [ -z "$1" ] || printf '%s\n' "$1" >>"$fresh"
    if [ -f "$file" ] && cmp -s "$file" "$fresh"; then
        rm -f "$fresh"
        return
    fi
    chown "$user:" "$fresh"
    sync "$fresh"
    mv "$fresh" "$file"
}

main "$@"
