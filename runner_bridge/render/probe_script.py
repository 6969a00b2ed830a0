"""
What a probing pod runs: it asks four questions and writes the answers as one line of JSON to its log.

Plain POSIX sh with what a BusyBox has. Targets come as environment variables, so that nothing of them is ever read as
a command. A question that the image has no program for is answered with `no-tool`, never with yes or no. Afterwards
the pod stays until it is deleted, because an address is only proven while it is held.
"""

from __future__ import annotations

from typing import Final

SCRIPT: Final = r"""
has() { command -v "$1" >/dev/null 2>&1; }
text() { printf '%s' "$1" | tr '\n\r\t' '   ' | tr -cd '\40-\176' | cut -c1-400 | sed 's/[\\"]/\\&/g'; }
told() { printf '{"state":"%s","said":"%s"}' "$1" "$(text "$2")"; }

# Ends what takes too long. The option of wget for it crashes some versions of BusyBox; timeout had another syntax once.
fetch() {
  if timeout 1 sleep 0 2>/dev/null; then timeout "$RB_WAIT" wget -q "$@" </dev/null
  else wget -q -T "$RB_WAIT" "$@" </dev/null; fi
}

# nslookup of some versions fails although it found the name, with another one of the search list.
name() {
  if [ -z "$1" ]; then told not-asked ""
  elif has nslookup; then
    said=$(nslookup "$1" 2>&1 </dev/null)
    case "$said" in *Name:*) told yes "$said" ;; *) told no "$said" ;; esac
  elif has getent; then
    if said=$(getent hosts "$1" 2>&1); then told yes "$said"; else told no "$said"; fi
  else told no-tool "nslookup, getent"; fi
}

can_scan() { has nc && case "$(nc -h 2>&1 </dev/null)" in *-z*|*z]*) true ;; *) false ;; esac; }

# Any answer of a server is a connection. Plain HTTP is asked of a TLS port too: "400 Bad Request" is an answer, while a
# handshake would fail for reasons that are not the network's.
connection() {
  case "$1" in *:*) host="[$1]" ;; *) host=$1 ;; esac
  if [ -z "$1" ] || [ -z "$2" ]; then told not-asked ""
  elif can_scan; then
    if said=$(nc -z -w "$RB_WAIT" "$1" "$2" 2>&1 </dev/null); then told yes "$said"; else told no "$said"; fi
  elif has wget; then
    said=$(fetch -O /dev/null "http://$host:$2/" 2>&1); code=$?
    case "$code $said" in
      12[67]\ *|13?\ *) told no-tool "nc, wget (ended with $code)" ;;
      0\ *|5\ *|6\ *|8\ *|*"server returned error"*|*"error getting response"*|*"redirected"*) told yes "$said" ;;
      *) told no "$said" ;;
    esac
  else told no-tool "nc, wget"; fi
}

echoed() {
  if [ -z "$RB_ECHO" ]; then told not-asked ""
  elif has wget; then
    said=$(fetch -O - "$RB_ECHO" 2>/dev/null); code=$?
    case $code in
      0) told yes "$said" ;;
      12[67]|13?) told no-tool "wget (ended with $code)" ;;
      *) told no "$(fetch -O /dev/null "$RB_ECHO" 2>&1)" ;;
    esac
  elif has curl; then
    if said=$(curl -sS -k -f -m "$RB_WAIT" "$RB_ECHO" 2>&1); then told yes "$said"; else told no "$said"; fi
  else told no-tool "wget, curl"; fi
}

name=$(name "$RB_NAME")
api=$(connection "$KUBERNETES_SERVICE_HOST" "$KUBERNETES_SERVICE_PORT")
gitlab=$(connection "$RB_GITLAB_HOST" "$RB_GITLAB_PORT")
echo=$(echoed)
printf '{"probe":1,"name":%s,"api":%s,"gitlab":%s,"echo":%s}\n' "$name" "$api" "$gitlab" "$echo"
trap 'exit 0' TERM INT
sleep "$RB_STAY" &
wait $!
"""
