/* One number for the pictures of a data set, by which a run that resumes knows them again. */
#ifndef RNCL_DATA_DIGEST_H
#define RNCL_DATA_DIGEST_H

#include "dataset.h"

/* Of number, size and labels of the pictures and, in class folders, of the names and sizes of their files.
 * Reads no picture; takes a system call for each file of class folders. The same wherever the folder lies. */
uint64_t rncl_dataset_digest(const rncl_dataset *dataset);

/* Of the names of the classes, in their order. */
uint64_t rncl_dataset_digest_classes(const rncl_dataset *dataset);

#endif
