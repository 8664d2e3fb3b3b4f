#!/usr/bin/env bash
# pure.sh BUILD LAYER... - looks into the compiled libraries below daemon/: none may call what touches files, threads,
# clocks, sockets or the process, and none may keep a mutable global. Its two rules are tried on a bad object first.
set -eu
build=$1
shift
impure='fopen|fdopen|open|openat|read|write|printf|puts|putchar|perror|fprintf|fputs|getenv|setenv|exit|system|popen|fork'
impure+='|time|clock|clock_gettime|gettimeofday|localtime|gmtime|nanosleep|usleep|sleep|rand|random|srand|getrandom|strtok'
impure+='|socket|send|recv|sendto|recvfrom|sendmsg|recvmsg|connect|bind|poll|select|pthread_[a-z_]+|thrd_[a-z]+'
impure+='|mmap|munmap|stat|fstat|opendir|signal|sigaction|setlocale'

# Prints one line a fault of a library or object file.
faults() {
	nm -u "$1" 2>/dev/null | awk '{print $NF}' | sed 's/@.*//; s/^__isoc99_//; s/^__\(.*\)_chk$/\1/' | sort -u |
		grep -xE "$impure" | sed "s|^|$1: calls |" || true
	# Constants with addresses in them lie in .data.rel.ro and are no globals.
	objdump -t "$1" 2>/dev/null | awk '$0 ~ / O \.(data|bss)(\.[^r][^ ]*)?[ \t]/ || $0 ~ / O \*COM\*/ {print $NF}' |
		sed "s|^|$1: keeps a mutable global: |" || true
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cat >"$tmp/bad.c" <<'C'
#include <stdio.h>
#include <time.h>
static int counter;
int bad(void);
int bad(void)
{
	printf("%d", counter++);
	return (int)time(NULL);
}
C
cc -O1 -c -o "$tmp/bad.o" "$tmp/bad.c"
if [ "$(faults "$tmp/bad.o" | wc -l)" -ne 3 ]; then
	echo "pure.sh does not see the faults of a bad object:"
	faults "$tmp/bad.o"
	exit 1
fi
all=
for layer in "$@"; do
	lib=$build/$layer/libsl_$layer.a
	[ -f "$lib" ] || { echo "$lib is not built"; exit 1; }
	all+=$(faults "$lib")
done
if [ -n "$all" ]; then
	echo "$all"
	exit 1
fi
echo "$*: no impure call, no mutable global"
