// SPDX-License-Identifier: Apache-2.0
// The work is tools/build-image's, which is beside this program: in the source tree, or installed with it.
#include "cli/image_cmd.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/options.h"

#define DISK_MIN     (4 * GIB)
#define DISK_MAX     (16 * 1024 * GIB) // what ext4 and the kernel take for granted
#define PACKAGES_MAX 200u

static const char *const releases[] = {"debian-12", "debian-13"};

static int set_output(void *options, const char *value)
{
    struct image_options *o = options;
    if (!*value)
        return options_refuse("--output: the file's name is empty");
    o->output = value;
    return 0;
}

static int set_size(void *options, const char *value)
{
    struct image_options *o = options;
    o->size = parse_size(value);
    if (o->size < DISK_MIN || o->size > DISK_MAX)
        return options_refuse("--size '%s': write a size with its unit from 4G on, like 4G or 20G", value);
    o->size &= ~(MIB - 1);
    return 0;
}

static int set_password(void *options, const char *value)
{
    struct image_options *o = options;
    if (!*value || strpbrk(value, "\r\n"))
        return options_refuse("--root-password: give a text of one line");
    o->password = value;
    return 0;
}

static int set_ssh_key(void *options, const char *value)
{
    struct image_options *o = options;
    char line[16384];
    FILE *f = fopen(value, "re");
    if (!f)
        return options_refuse("--ssh-key %s: %s", value, strerror(errno));
    bool key = fgets(line, sizeof(line), f) &&
               (strncmp(line, "ssh-", 4) == 0 || strncmp(line, "ecdsa-", 6) == 0 || strncmp(line, "sk-", 3) == 0);
    fclose(f);
    if (!key)
        return options_refuse("--ssh-key %s: it is no public key; name a file like ~/.ssh/id_ed25519.pub", value);
    o->ssh_key = value;
    return 0;
}

// Of letters, digits and what else is allowed behind the first one.
static bool is_name(const char *text, size_t len, const char *also)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
        if (!plain && (i == 0 || !strchr(also, c)))
            return false;
    }
    return len > 0;
}

static int set_hostname(void *options, const char *value)
{
    struct image_options *o = options;
    size_t len = strlen(value);
    if (len > 63 || !is_name(value, len, "-") || value[len - 1] == '-')
        return options_refuse("--hostname '%s': a name has up to 63 letters, digits and hyphens", value);
    o->hostname = value;
    return 0;
}

static int set_packages(void *options, const char *value)
{
    struct image_options *o = options;
    unsigned count = 0;
    for (const char *p = value; *p; count++) {
        size_t len = strcspn(p, ",");
        if (!is_name(p, len, "+-.") || count == PACKAGES_MAX)
            return options_refuse("--packages '%s': write Debian packages with commas, like vim,fio", value);
        p += len + (p[len] == ',');
    }
    o->packages = value;
    return 0;
}

static const struct option_row rows[] = {
    {"output", "FILE", set_output, "the disk (RELEASE.raw in this folder)"},
    {"size", "SIZE", set_size, "its size, from 4G on; the first start grows the file system (4G)"},
    {"root-password", "TEXT", set_password, "root's password (none: root logs in at the console without one)"},
    {"ssh-key", "FILE", set_ssh_key, "public key with which root may log in by ssh"},
    {"hostname", "NAME", set_hostname, "the system's name (debian)"},
    {"packages", "LIST", set_packages, "more Debian packages, with commas"},
};

static const struct option_table table = {"openlpar image", rows, ARRAY_LEN(rows)};

static int print_help(void)
{
    printf("Usage: openlpar image build RELEASE [options]\n\nMakes a disk with a ppc64el Debian that boots by its own "
           "GRUB, from Debian's packages; no "
           "ppc64el machine and no\nprivileges are needed. Releases: debian-12, debian-13. The packages come from the "
           "Debian mirror of this host's apt "
           "(OPENLPAR_MIRROR=URI:\nanother one) and are installed in a partition once for each release and list of "
           "packages; further disks are made of "
           "the result.\n\nOptions:\n");
    options_print(&table);
    printf("\nExamples:\n  openlpar image build debian-12 --root-password secret\n"
           "  openlpar image build debian-13 --output web.raw --size 20G --hostname web --ssh-key "
           "~/.ssh/id_ed25519.pub --packages nginx\n"
           "  openlpar boot --disk web.raw\n");
    return options_end_help();
}

int image_parse(int argc, char **argv, struct image_options *options)
{
    *options = (struct image_options){.size = DISK_MIN, .hostname = "debian"};
    for (int i = 1; i < argc; i++) {
        if (options_want_help(argv[i]))
            return print_help();
        if (strncmp(argv[i], "--", 2) == 0) {
            int status = options_take(&table, options, argc, argv, &i);
            if (status)
                return status;
        } else if (options->release) {
            return options_refuse("'%s': one release at a time", argv[i]);
        } else {
            options->release = argv[i];
        }
    }
    bool known = false;
    for (unsigned i = 0; options->release && i < ARRAY_LEN(releases); i++)
        known |= strcmp(options->release, releases[i]) == 0;
    if (!known)
        return options_refuse("%s%s%sname a release: debian-12 or debian-13", options->release ? "'" : "",
                              options->release ? options->release : "", options->release ? "': " : "");
    return 0;
}

// The script and this program, by absolute paths. false: there is no script.
static bool find_script(char script[PATH_MAX], char self[PATH_MAX])
{
    static const char *const places[] = {"../tools/build-image", "../share/openlpar/tools/build-image"};
    char folder[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, PATH_MAX - 1);
    if (len < 0)
        return false;
    self[len] = '\0';
    snprintf(folder, sizeof(folder), "%s", self);
    dirname(folder);
    for (unsigned i = 0; i < ARRAY_LEN(places); i++)
        if (snprintf(script, PATH_MAX, "%s/%s", folder, places[i]) < PATH_MAX && access(script, X_OK) == 0)
            return true;
    return false;
}

// A file in memory, which the script reads by its name: lists of processes show the password for no longer than it takes to start that. "" for none; NULL: no memory.
static const char *password_file(const char *password, char path[64])
{
    path[0] = '\0';
    if (!password)
        return path;
    int fd = memfd_create("password", 0);
    if (fd < 0 || dprintf(fd, "%s\n", password) < 0)
        return NULL;
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return path;
}

static int build(const struct image_options *o)
{
    char script[PATH_MAX], self[PATH_MAX], size[32], output[64], password[64];
    char *argv[9 + PACKAGES_MAX + 1], *packages = strdup(o->packages ? o->packages : ""), *rest = NULL;
    int argc = 0;
    if (!packages || !password_file(o->password, password))
        return options_refuse("no memory");
    if (!find_script(script, self)) {
        free(packages);
        return options_refuse("tools/build-image is not where this program was installed; install OpenLPAR again");
    }
    snprintf(size, sizeof(size), "%llu", (unsigned long long)o->size);
    snprintf(output, sizeof(output), "%s.raw", o->release);
    const char *const fixed[] = {script, self,        o->release, o->output ? o->output : output,
                                 size,   o->hostname, password,   o->ssh_key ? o->ssh_key : ""};
    for (unsigned i = 0; i < ARRAY_LEN(fixed); i++)
        argv[argc++] = (char *)(uintptr_t)fixed[i];
    for (char *name = strtok_r(packages, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        argv[argc++] = name;
    argv[argc] = NULL;
    execv(script, argv);
    free(packages);
    return options_refuse("%s: %s", script, strerror(errno));
}

int image_command(int argc, char **argv)
{
    struct image_options options;
    if (argc < 2 || options_want_help(argv[1]))
        return print_help() < 0 ? argc < 2 : 1;
    if (strcmp(argv[1], "build") != 0)
        return options_refuse("'%s' is no verb of image; openlpar image --help shows what there is", argv[1]);
    int status = image_parse(argc - 1, argv + 1, &options);
    if (status)
        return status < 0 ? 0 : status;
    return build(&options);
}
