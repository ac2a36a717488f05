#!/bin/sh
# Goes to: /usr/lib/densach-agent/bin/densach
here=$(readlink -f "$0")
exec "${here%/*}/densach-python" -m densach_cli "$@"
