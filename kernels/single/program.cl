/* All kernels of a single work-item, in one program: a board is programmed once, and not in every step. */
#include "single/single.clh"

#include "softmax.clh"

#include "single/batchnorm.clh"
#include "single/conv.clh"
#include "single/loss.clh"
#include "single/pooling.clh"
#include "single/update.clh"
