/* Made from the one list of operations. */
#include "op_names.h"

const char *const rncl_op_names[RNCL_OP_COUNT] = {
#define X(stem) [RNCL_OP_##stem] = #stem,
    RNCL_OP_LIST(X)
#undef X
};
