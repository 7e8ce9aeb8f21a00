/* What a program of the examples gives up for ever, once all that it needs is open. */
#ifndef VESTIBULE_EXAMPLE_SANDBOX_H
#define VESTIBULE_EXAMPLE_SANDBOX_H

struct sandbox {
    const char *const *readable; /* files and folders that may still be read, NULL behind the last; those
                                    that do not exist are passed over */
    int refuses_sockets;         /* of every family but AF_UNIX, and new uses of those that there are */
    int refuses_writing;         /* opening files to write, whatever the folder */
    int log;
};

/* No other program can be run from here on and no other process looked into; of the file system nothing
 * is left but reading what is named, where the kernel has Landlock; and the rest as the fields say. For
 * this thread and those that it begins. Exits with a message if it fails. */
void sandbox_enter(const struct sandbox *sandbox);

#endif
