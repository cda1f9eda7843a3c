/* Pictures in files: image.h, with messages that name the file, turned and made smaller as they are wanted.
 */
#ifndef RNCL_DATA_IMAGE_FILE_H
#define RNCL_DATA_IMAGE_FILE_H

#include <stdbool.h>

#include "image.h"

/* How large a picture is wanted. Smaller ones come as they are. */
typedef struct rncl_detail {
    uint32_t shorter; /* pixels of the shorter side; 0: as large as it is stored */
    /* The picture comes with precisely that side, and equals torchvision's Resize(shorter) of the decoded
     * file. Otherwise up to twice that size comes, at less cost. */
    bool exact;
} rncl_detail;

/* RNCL_ERR_DATA or RNCL_ERR_IO, with the file's name, if it is no picture, damaged, or cannot be opened. */
rncl_status rncl_image_file_probe(const char *path, rncl_image_header *header);
/* Decodes the picture, at the least cost, only to find out whether that can be done. */
rncl_status rncl_image_file_check(const char *path, rncl_image_header *header);
/* `turn`: upright, as the file's EXIF data says; otherwise as stored. */
rncl_status rncl_image_file_decode(const char *path, const rncl_detail *detail, bool turn, rncl_image *image);

#endif
