/* Files in memory, for kept*.c alone. */
#ifndef PEAL_REPORT_KEPT_INNER_H
#define PEAL_REPORT_KEPT_INNER_H

#include "report/kept.h"

struct kept_bytes {
    const uint8_t *p;
    size_t len;
};
/* Regular files only; an empty one is ERR_INVALID. */
enum err kept_map(const char *path, struct kept_bytes *out, char *error);
void kept_unmap(struct kept_bytes *b);

#endif
