#!/bin/sh
# Says STEP_LINES lines, spread over STEP_SECONDS seconds, then ends as STEP_ENDS says: well, error, hang or stubborn.
set -eu

if [ "$STEP_ENDS" = stubborn ]; then
  trap '' INT TERM
fi

said=0
say_up_to() {
  while [ "$said" -lt "$1" ]; do
    said=$((said + 1))
    echo "$STEP_VERB step $STEP_NUMBER: line $said of $STEP_LINES"
  done
}

second=0
while [ "$second" -lt "$STEP_SECONDS" ]; do
  second=$((second + 1))
  say_up_to $((STEP_LINES * second / STEP_SECONDS))
  sleep 1
done
say_up_to "$STEP_LINES"

case "$STEP_ENDS" in
error)
  echo "step $STEP_NUMBER was told to fail" >&2
  exit 3
  ;;
hang | stubborn)
  echo "step $STEP_NUMBER was told never to end"
  while :; do sleep 1; done
  ;;
esac
