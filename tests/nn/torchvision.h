/* Made by make_torchvision.py: hashes of the parameters and batch normalisations of torchvision's ResNets. */
static const struct torchvision {
    int depth;
    uint64_t params, norms;
} torchvision[] = {
    {18, UINT64_C(0x9e1fbf0809bc08fc), UINT64_C(0x93b01f9922e412e7)},
    {34, UINT64_C(0x69ffb6d9143c68e0), UINT64_C(0x78bd69d286b83b5d)},
    {50, UINT64_C(0xe82d34d0cfadae4f), UINT64_C(0x7876efc0a4996b14)},
    {101, UINT64_C(0xfe150c3542813e14), UINT64_C(0xf5de526510cd0ec4)},
    {152, UINT64_C(0x337f9d5d2b7b2604), UINT64_C(0x984a210cb852598f)},
};
