/* VGG (Simonyan and Zisserman 2015), for comparing cost: the paper holds its networks against VGG-19. */
#ifndef RNCL_NN_VGG_H
#define RNCL_NN_VGG_H

#include "arch.h"
#include "builder.h"

/* Appends the whole network under torchvision's names; options of the builder's graph must be complete. Its
 * nodes leave out what costs no multiply-adds: biases are parameters of the convolutions, ReLUs and dropout
 * do not appear. Such a graph can be counted, not run. */
void rncl_vgg_build(rncl_builder *builder, const rncl_layout *layout);

#endif
