#!/bin/sh
# From an opened bundle to a hub, on a bare machine without Internet:  sudo sh setup.sh [hub|office|tools] [options of ansible-playbook]
# Needs nothing but what every Debian has. May be interrupted anywhere and started again.
set -eu
suite=@SUITE@
architecture=@ARCHITECTURE@
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
tools=${DENSACH_TOOLS:-/opt/densach/provision}
what=${1:-hub}
[ $# -eq 0 ] || shift

stop() { # stop CODE VIETNAMESE ENGLISH
    printf '%s\n%s (%s)\n' "$2" "$3" "$1" >&2
    exit 1
}
say() { printf '\n== %s / %s\n' "$1" "$2"; }

case $what in
hub | office | tools) ;;
*)
    echo "sh setup.sh [hub|office|tools]" >&2
    exit 2
    ;;
esac

# Preconditions first: nothing was changed when one of them stops us.
[ "$(id -u)" = 0 ] || stop setup.not-root "Hãy chạy bằng root: sudo sh $0" "Run it as root: sudo sh $0"
codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
[ "$codename" = "$suite" ] || stop setup.suite "Tệp này dành cho $suite, máy này chạy ${codename:-?}: hãy tạo tệp khác với --suite." \
    "This bundle is for $suite, this machine runs ${codename:-something else}: make one with --suite."
[ "$(dpkg --print-architecture)" = "$architecture" ] || stop setup.architecture \
    "Tệp này dành cho bộ xử lý $architecture." "This bundle is for processors of kind $architecture."
free_kb=$(df -Pk /opt | awk 'NR == 2 { print $4 }')
[ "$free_kb" -ge 2500000 ] || stop setup.no-room "Cần 2,5 GB trống ở /opt, hiện còn $((free_kb / 1024)) MB." \
    "2.5 GB must be free in /opt, there are $((free_kb / 1024)) MB."

cd "$here"
signature() {
    "$tools/bin/python" -m densach_hub.upkeep.bundle verify --remember "$here" ${DENSACH_BUNDLE_KEY:+--key "$DENSACH_BUNDLE_KEY"}
}
# A machine that trusts somebody already asks first: nothing of a stranger's is installed on it.
checked=''
if [ -s /etc/densach/bundle-keys ] && [ -x "$tools/bin/python" ]; then
    say "Kiểm tra từng tệp và chữ ký" "checking every file and the signature"
    if said=$(signature 2>&1); then
        checked=yes
        printf '%s\n' "$said"
    else
        case $said in
        *bundle.newer*) ;;
        *'(bundle.'*)
            printf '%s\n' "$said" >&2
            exit 1
            ;;
        esac
    fi
fi
if [ -z "$checked" ]; then
    say "Kiểm tra từng tệp" "checking every file"
    sha256sum --check --quiet --strict SHA256SUMS || stop bundle.damaged \
        "Có tệp hỏng: chép lại tệp .bundle rồi làm lại. Chưa thay đổi gì trên máy này." \
        "A file is damaged: copy the bundle again. Nothing was changed on this machine."
fi

say "Nguồn gói từ tệp này" "this bundle as the source of packages"
install -D -m 0644 apt/key.asc /etc/apt/keyrings/densach-bundle.asc
mkdir -p /opt/densach
cat >/opt/densach/setup.sources <<END
Types: deb
URIs: file:$here/apt
Suites: ./
Signed-By: /etc/apt/keyrings/densach-bundle.asc
Check-Date: no
END
# Other sources are not asked: this machine may have no line, and would wait for each of them. What stays its source is for the
# plays to say. As root: the bundle may lie where apt's own user may not read.
only="-o Dir::Etc::sourcelist=/opt/densach/setup.sources -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=false -o APT::Sandbox::User=root"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
apt-get $only -q update || stop setup.apt "Không đọc được kho gói." "The package repository could not be read."
# shellcheck disable=SC2086
apt-get $only -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install python3 python3-venv python3-apt openssh-client tzdata ||
    stop setup.apt "Không cài được Python." "Python could not be installed."

if ! [ -x "$tools/bin/ansible-playbook" ] || ! cmp -s wheels/provision.txt "$tools/.from"; then
    say "Ansible (1-2 phút)" "Ansible (a minute or two)"
    rm -rf "$tools.new"
    mkdir -p "$(dirname "$tools")"
    python3 -m venv "$tools.new"
    "$tools.new/bin/python" -m pip --disable-pip-version-check --no-cache-dir install --quiet --no-compile --no-index --find-links wheels \
        --require-hashes --no-deps -r wheels/provision.txt ||
        stop setup.wheels "Không cài được Ansible từ tệp này." "Ansible could not be installed from this bundle."
    rm -rf "$tools"
    mv "$tools.new" "$tools"
    # The scripts of an environment name the folder it was made in.
    grep -lI "^#!$tools.new/bin/" "$tools"/bin/* | xargs -r sed -i "1s|^#!$tools.new/|#!$tools/|"
    cp wheels/provision.txt "$tools/.from"
fi

if [ -z "$checked" ]; then
    say "Chữ ký của người tạo tệp" "the maker's signature"
    signature || exit 1
fi

if [ "$what" = tools ]; then
    say "Xong: $tools/bin/ansible-playbook" "ready: $tools/bin/ansible-playbook"
    exit 0
fi
# The hub as Ansible sees it. Yours to edit: name, school, rooms; every variable is in playbooks/roles/*/defaults/main.yml
inventory=/etc/densach/inventory/hosts.yml
if ! [ -e "$inventory" ]; then
    mkdir -p "${inventory%/*}"
    cat >"$inventory.new" <<END
# Biến của từng vai trò: $here/playbooks/roles/*/defaults/main.yml
# The variables of each role: see there. Afterwards: sudo sh $here/setup.sh $what
all:
  vars:
    densach_hub_name: densach.lan
    bundle_dir: $here
  children:
    $what:
      hosts:
        localhost:
          ansible_connection: local
          ansible_python_interpreter: /usr/bin/python3
END
    mv "$inventory.new" "$inventory"
fi
say "Cài đặt ($what)" "installing ($what)"
cd playbooks
exec env PATH="$tools/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 "$tools/bin/ansible-playbook" -i "$inventory" "$@" "$what.yml"
