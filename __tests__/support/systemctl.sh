#!/bin/sh
# Stands in for systemctl in a test machine, where no systemd runs. It knows one service, the machine's real nix-daemon, and answers
# as systemctl does for it. The service exists once the machine's daemon was set up (the unit file is there).
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unit_file=/etc/systemd/system/nix-daemon.service
pid_file=/run/nix-daemon.pid

# A zombie that its parent has not collected yet has ended.
alive() { grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null; }
running() { [ -s "$pid_file" ] && alive "$(cat "$pid_file")"; }

need_root() {
	[ "$(id -u)" = 0 ] && return 0
	echo "Failed to $verb $unit: Access denied" >&2
	exit 4
}

# As systemd does it by default: a service that is started a sixth time within ten seconds stays stopped, whoever asks. Only where a test wants it.
start_limit() {
	burst=$(sed -n 's/^StartLimitBurst=//p' "$unit_file".d/*.conf 2>/dev/null)
	[ "$burst" ] || return 0
	now=$(date +%s)
	if [ "$(awk -v since=$((now - 10)) '$1 > since' /run/nix-daemon.start-times 2>/dev/null | wc -l)" -ge "$burst" ]; then
		echo "Job for nix-daemon.service failed." >&2
		exit 1
	fi
	echo "$now" >>/run/nix-daemon.start-times
}

start() {
	running && return 0
	start_limit
	. /etc/default/nix-daemon
	rm -f "$socket"
	program=$(sed -n 's|^ExecStart=@\{0,1\}\([^ ]*\).*|\1|p' "$unit_file")
	# A service gets nothing of the environment of whoever asks for it.
	# shellcheck disable=SC2086
	env -i PATH="$PATH" HOME=/root $environment setsid "$program" --daemon </dev/null >>/var/log/nix-daemon.log 2>&1 &
	echo $! >"$pid_file"
	tries=500
	until [ -S "$socket" ]; do
		tries=$((tries - 1))
		if [ $tries = 0 ] || ! running; then
			echo "Job for nix-daemon.service failed:" >&2
			tail -n 5 /var/log/nix-daemon.log >&2
			exit 1
		fi
		sleep 0.01
	done
	echo started >>/run/nix-daemon.starts
}

# Like KillMode=process: the children that serve connections live on.
stop() {
	running || return 0
	pid=$(cat "$pid_file")
	kill "$pid"
	while alive "$pid"; do sleep 0.01; done
	rm -f "$pid_file"
}

show() {
	if [ -f "$unit_file" ]; then load=loaded; else load=not-found; fi
	if running; then active=active sub=running pid=$(cat "$pid_file"); else active=inactive sub=dead pid=0; fi
	for property in Id=nix-daemon.service LoadState=$load ActiveState=$active SubState=$sub MainPID=$pid FragmentPath=$unit_file; do
		case ",$properties," in
		,, | *",${property%%=*},"*) if [ "$value_only" ]; then echo "${property#*=}"; else echo "$property"; fi ;;
		esac
	done
}

verb='' unit='' properties='' value_only='' quiet=''
while [ $# -gt 0 ]; do
	case $1 in
	--value) value_only=1 ;;
	-q | --quiet) quiet=1 ;;
	--now) ;;
	-p | --property) properties=${properties:+$properties,}$2 && shift ;;
	--property=*) properties=${properties:+$properties,}${1#*=} ;;
	-p?*) properties=${properties:+$properties,}${1#-p} ;;
	-*) ;;
	*) if [ -z "$verb" ]; then verb=$1; else unit=$1; fi ;;
	esac
	shift
done

case $verb in
daemon-reload) need_root && exit 0 ;;
is-system-running) echo running && exit 0 ;;
esac

case $unit in nix-daemon | nix-daemon.service | nix-daemon.socket) known=1 ;; *) known='' ;; esac
if [ ! "$known" ] || [ ! -f "$unit_file" ]; then
	case $verb in
	is-active) [ "$quiet" ] || echo inactive && exit 3 ;;
	is-enabled) exit 1 ;;
	show) show && exit 0 ;;
	*) echo "Failed to $verb $unit: Unit $unit not found." >&2 && exit 5 ;;
	esac
fi

case $verb in
start | enable) need_root && start ;;
stop) need_root && stop ;;
restart | try-restart | reload-or-restart) need_root && stop && start ;;
reset-failed) need_root && rm -f /run/nix-daemon.start-times ;;
is-active) if running; then state=active code=0; else state=inactive code=3; fi && { [ "$quiet" ] || echo $state; } && exit $code ;;
is-enabled) echo enabled ;;
show) show ;;
status) if running; then echo "Active: active (running)"; else echo "Active: inactive (dead)" && exit 3; fi ;;
*) echo "Unknown command verb $verb." >&2 && exit 1 ;;
esac
