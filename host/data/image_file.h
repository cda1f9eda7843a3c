/* Pictures in files: image.h, with messages that name the file. */
#ifndef RNCL_DATA_IMAGE_FILE_H
#define RNCL_DATA_IMAGE_FILE_H

#include "image.h"

/* RNCL_ERR_DATA or RNCL_ERR_IO, with the file's name, if it is no picture, damaged, or cannot be opened. */
rncl_status rncl_image_file_probe(const char *path, uint32_t *height, uint32_t *width);
/* A picture whose shorter side is twice `at_least` or more is resized to that. */
rncl_status rncl_image_file_decode(const char *path, uint32_t at_least, rncl_image *image);

#endif
