/* The one list of network families. A row: the constant behind RNCL_ARCH_, the table in the family's file
 * behind rncl_family_, the word of --arch, its depths and a remark for help. The constants, the options
 * --arch and
 * --depth, the metadata of model files and the builders follow from it; see docs/adding-a-network.md. */
#ifndef RNCL_NN_FAMILIES_H
#define RNCL_NN_FAMILIES_H

#define RNCL_FAMILIES(ROW)                                                                                   \
    ROW(RESNET, resnet, "resnet", "18, 34, 50, 101, 152", "")                                                \
    ROW(PLAIN, plain, "plain", "18, 34", "")                                                                 \
    ROW(CIFAR_RESNET, cifar_resnet, "cifar-resnet", "6n+2, such as 20, 56, 110", "")                         \
    ROW(CIFAR_PLAIN, cifar_plain, "cifar-plain", "6n+2, such as 20, 56, 110",                                \
        "; the plain ones have no shortcuts")                                                                \
    ROW(VGG, vgg, "vgg", "19", "; vgg is there for info only")

#endif
