#include "io/yaml_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char error[300];

Test(yaml_file, a_document_and_the_first_complaint)
{
    struct yaml_file y;

    cr_assert_eq(yaml_file_parse(&y, "a.yaml", SLICE("x: 1\ny: \"a\\0b\"\n"), error, sizeof error),
                 OK);
    const yaml_node_t *root = yaml_file_root(&y);
    const yaml_node_pair_t *p = root->data.mapping.pairs.start;

    cr_assert_str_eq(yaml_file_scalar(yaml_file_node(&y, p[0].value)), "1");
    cr_assert_null(yaml_file_scalar(yaml_file_node(&y, p[1].value)), "a NUL in a text");
    cr_assert_null(yaml_file_scalar(root), "no single value");
    cr_assert_not(y.failed);
    yaml_file_refuse(&y, yaml_file_node(&y, p[1].key), "not %s", "this");
    yaml_file_refuse(&y, NULL, "nor that");
    cr_assert(y.failed);
    cr_assert_str_eq(error, "a.yaml:2: not this");
    yaml_file_close(&y);
    yaml_file_close(&y);
}

Test(yaml_file, what_is_no_yaml_is_told_with_its_line)
{
    struct yaml_file y;

    cr_assert_eq(yaml_file_parse(&y, "a.yaml", SLICE("x: 1\ny: [\n"), error, sizeof error),
                 ERR_INVALID);
    cr_assert_eq(strncmp(error, "a.yaml:3: this is no YAML: ", 27), 0, "%s", error);
    cr_assert_null(yaml_file_root(&y));
    yaml_file_close(&y);
    cr_assert_eq(yaml_file_parse(&y, "a.yaml", SLICE(""), error, sizeof error), OK);
    cr_assert_null(yaml_file_root(&y), "empty");
    yaml_file_close(&y);
}

Test(yaml_file, files_are_read_up_to_a_limit)
{
    char path[] = "/tmp/peal-yaml-XXXXXX";
    int fd = mkstemp(path);
    enum err e;
    size_t len;

    cr_assert_eq(write(fd, "a: 12345\n", 9), 9);
    close(fd);
    char *text = yaml_file_read(path, 9, &len, error, sizeof error, &e);
    cr_assert_eq(e, OK);
    cr_assert_eq(len, 9);
    cr_assert_str_eq(text, "a: 12345\n");
    free(text);
    cr_assert_null(yaml_file_read(path, 8, &len, error, sizeof error, &e));
    cr_assert_eq(e, ERR_TOO_LONG);
    unlink(path);
    cr_assert_null(yaml_file_read(path, 8, &len, error, sizeof error, &e));
    cr_assert_eq(e, ERR_NOT_FOUND);
    cr_assert_null(yaml_file_read("/tmp", 8, &len, error, sizeof error, &e));
    cr_assert_eq(e, ERR_IO);
    cr_assert(strstr(error, "is it a folder?"), "%s", error);
}
