/* When the loss's scale changes. */
#include "loss_scale.h"

#include <math.h>

/* Beyond this its product with a gradient of 1 is not finite as a float. */
static const double largest = 0x1p127;

rncl_loss_scale rncl_loss_scale_start(void)
{
    return (rncl_loss_scale){.scale = 0x1p16};
}

bool rncl_loss_scale_is_possible(const rncl_loss_scale *scale)
{
    int exponent;
    return scale->scale >= 1 && scale->scale <= largest && frexp(scale->scale, &exponent) == 0.5 &&
           scale->steps >= 0 && scale->steps < RNCL_LOSS_SCALE_PERIOD;
}

bool rncl_loss_scale_step(rncl_loss_scale *scale, bool taken)
{
    scale->steps = taken ? scale->steps + 1 : 0;
    if (!taken && scale->scale == 1)
        return false;
    if (!taken)
        scale->scale /= 2;
    if (scale->steps == RNCL_LOSS_SCALE_PERIOD) {
        scale->scale = fmin(2 * scale->scale, largest);
        scale->steps = 0;
    }
    return true;
}
