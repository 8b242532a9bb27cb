/* Between http.c and http_allow.c. */
#ifndef PEAL_IO_HTTP_INNER_H
#define PEAL_IO_HTTP_INNER_H

#include <stdbool.h>
#include <stddef.h>

/* False: an entry cannot be read, or there are too many; `wrong` gets it. */
bool http_allow_valid(const char *allow, char *wrong, size_t cap);

#endif
