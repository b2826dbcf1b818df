/*
 * descriptors -- all .proto files of this folder, as a google.protobuf.FileDescriptorSet.
 */
#ifndef TAPECAST_PROTO_DESCRIPTORS_H
#define TAPECAST_PROTO_DESCRIPTORS_H

#include <stddef.h>

extern const unsigned char proto_descriptors[];
extern const size_t proto_descriptors_len;

#endif
