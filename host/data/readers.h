/* The readers that dataset.c chooses from; each is the table that ends the file of its name. */
#ifndef RNCL_DATA_READERS_H
#define RNCL_DATA_READERS_H

#include "dataset.h"

extern const rncl_reader rncl_reader_idx, rncl_reader_cifar, rncl_reader_folder, rncl_reader_shapes;

#endif
