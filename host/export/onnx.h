/* A network as an ONNX file. */
#ifndef RNCL_EXPORT_ONNX_H
#define RNCL_EXPORT_ONNX_H

#include "exported.h"
#include "onnx_file.h"

typedef struct rncl_onnx_request {
    const char *path;
    int opset;      /* RNCL_ONNX_OLDEST_OPSET to RNCL_ONNX_NEWEST_OPSET */
    bool fold;      /* batch normalisations into the filters before them */
    bool normalise; /* the model takes pixel values from 0 to 1 and normalises them */
} rncl_onnx_request;

/* Input "images" [N][channels][image][image], output "logits" [N][classes], N any number of pictures. The
 * metadata are those of rncl's own model files, and how pictures become the input:
 * rncl.input "pixels from 0 to 1" or "(pixels from 0 to 1 - rncl.mean) / rncl.std", rncl.resize the length in
 * pixels of the shorter side after resizing, rncl.resize_filter, rncl.crop the side of the centre taken.
 * RNCL_ERR_USAGE if this build cannot write ONNX files. */
rncl_status rncl_onnx_export(const rncl_exported *model, const rncl_onnx_request *request);

#endif
