/* The tables of all operations, one a file, and how op.c reaches them. */
#ifndef RNCL_OPS_OP_TYPES_H
#define RNCL_OPS_OP_TYPES_H

#include "op.h"

#define X(stem) extern const rncl_op_type rncl_op_##stem;
RNCL_OP_LIST(X)
RNCL_STEP_LIST(X)
#undef X

#endif
