#!/bin/sh
# Goes to: /usr/lib/densach-agent/bin/densach-python
# Python with the agent's own packages, those made for this Python and this processor; nothing of the system is changed.
here=$(readlink -f "$0")
here=${here%/bin/*}
for name in python3 python3.14 python3.13 python3.12 python3.11; do
    real=$(readlink -f "/usr/bin/$name") || continue
    [ -x "$real" ] || continue
    version=${real##*/python3.}
    case $version in *[!0-9]*) version=$("$real" -c 'import sys; print(sys.version_info[1])') ;; esac
    if [ -d "$here/lib/cp3$version-$(uname -m)" ]; then
        PYTHONPATH=$here/lib/cp3$version-$(uname -m):$here/lib/abi3-$(uname -m):$here/lib/any
        PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1
        export PYTHONPATH PYTHONSAFEPATH PYTHONNOUSERSITE PYTHONDONTWRITEBYTECODE
        exec "$real" "$@"
    fi
done
echo "Không có Python phù hợp (3.11–3.14) trong /usr/bin. / There is no Python in /usr/bin that this agent has packages for (3.11 to 3.14)." >&2
exit 78
