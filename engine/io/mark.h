/* DSCP marks of what a socket sends (RFC 2474): EF 46 for voice, CS3 24 for signalling. */
#ifndef PEAL_IO_MARK_H
#define PEAL_IO_MARK_H

#include <stdint.h>

#include "base/slice.h"

#define MARK_DSCP_MAX   63
#define MARK_DSCP_VOICE 46 /* EF (RFC 3246) */
#define MARK_DSCP_CALLS 24 /* CS3 (RFC 4594) */

/* family: of the socket. A system that refuses costs the mark and nothing else. */
void mark_socket(int fd, uint16_t family, uint8_t dscp);

/* "ef", "cs3", "af31", "voice-admit", "default", or a number up to 63. ERR_INVALID. */
enum err mark_parse(struct slice text, uint8_t *dscp);

#endif
