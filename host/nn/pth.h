/* What the two forms of PyTorch's files share (torch/serialization.py): a pickled state dict whose tensors
 * are views of storages. */
#ifndef RNCL_NN_PTH_H
#define RNCL_NN_PTH_H

#include "state_pickle.h"
#include "tensor_file.h"

/* Elements of one type in a row, which tensors are views of. */
typedef struct rncl_pth_storage {
    rncl_state_pickle_text key;
    rncl_dtype dtype;
    size_t count;              /* times the bytes of the dtype: fits into size_t */
    const unsigned char *data; /* NULL: not yet looked for, or empty */
} rncl_pth_storage;

typedef struct rncl_pth rncl_pth;

struct rncl_pth {
    const char *path;
    rncl_tensor_file *file; /* gets the tensors */
    /* Finds the data of a storage that a tensor needs; NULL: all data are known. */
    rncl_status (*open_storage)(rncl_pth *pth, rncl_pth_storage *storage);
    void *user; /* of open_storage */

    rncl_state_pickle pickle;
    rncl_pth_storage *storages; /* by key */
    size_t storage_count;
};

/* What state dicts name: storages, tensors, OrderedDict. For rncl_state_pickle_read. */
bool rncl_pth_knows(rncl_state_pickle_text module, rncl_state_pickle_text name);

/* Reads the pickle of the state dict, and lists the storages that it names; *size_bytes is the pickle's. */
rncl_status rncl_pth_read_pickle(rncl_pth *pth, rncl_contents bytes, size_t *size_bytes);
/* Then, once storages can be found: the tensors. */
rncl_status rncl_pth_read_tensors(rncl_pth *pth);
void rncl_pth_fini(rncl_pth *pth); /* harmless on one without a pickle */

/* NULL if there is none. */
rncl_pth_storage *rncl_pth_find_storage(const rncl_pth *pth, rncl_state_pickle_text key);
rncl_status rncl_pth_bad_storage(const rncl_pth *pth); /* RNCL_ERR_MODEL, with a message */
rncl_status rncl_pth_big_endian(const rncl_pth *pth);  /* the same */

#endif
