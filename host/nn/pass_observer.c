/* The one place where a network enqueues a pass. */
#include "pass_observer.h"

rncl_status rncl_pass_enqueue_observed(const rncl_pass_observer *observer, const rncl_pass_at *at)
{
    rncl_pass_at done = *at;
    done.done = true;
    if (observer->look)
        RNCL_TRY(observer->look(observer->user, at));
    RNCL_TRY(rncl_op_enqueue(at->op, at->pass, at->buffers, at->scalars));
    return observer->look ? observer->look(observer->user, &done) : RNCL_OK;
}
