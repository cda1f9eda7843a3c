/* The operations' names, for people and for JSON. */
#ifndef RNCL_CLI_OP_NAMES_H
#define RNCL_CLI_OP_NAMES_H

#include "op.h"

extern const char *const rncl_op_names[RNCL_OP_COUNT];

#endif
