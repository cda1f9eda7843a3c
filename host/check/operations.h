/* The tables of all operations that are checked: those of op_list.h, and those around a training step. */
#ifndef RNCL_CHECK_OPERATIONS_H
#define RNCL_CHECK_OPERATIONS_H

#include "op_list.h"
#include "trial.h"

#define CHECK_OPERATION_LIST(X)                                                                              \
    RNCL_OP_LIST(X)                                                                                          \
    X(softmax)                                                                                               \
    X(sgd)                                                                                                   \
    X(ema)                                                                                                   \
    X(mixup)

#define X(stem) extern const check_operation check_##stem;
CHECK_OPERATION_LIST(X)
#undef X

#endif
