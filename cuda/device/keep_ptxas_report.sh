#!/bin/sh
# keep_ptxas_report.sh OBJECT COMMAND...: runs the compiler; what ptxas says of each kernel goes to OBJECT.ptxas, which
# tests/cuda/device/resource_usage_test.cpp reads.
object=$1
shift
"$@" 2>"$object.ptxas" && exit 0
status=$?
cat "$object.ptxas" >&2
exit $status
