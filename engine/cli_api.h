/* The HTTP API as commands open it: its address and token as options give them. */
#ifndef PEAL_CLI_API_H
#define PEAL_CLI_API_H

#include "api/api.h"

struct cli_api {
    const char *command;    /* for complaints */
    const char *address;    /* NULL: no API */
    const char *token_path; /* NULL: the environment's, or none */
};

/* The campaign as the API knows it. False: a path is too long. */
bool cli_api_add(struct api_config *config, const struct campaign *c, const char *data_dir);
/* Opens it and says where it is; config: campaigns and Redis. *out NULL without an address. The
 * exit code, or CLI_GO_ON. */
int cli_api_open(struct api **out, const struct cli_api *a, struct api_config *config);

#endif
