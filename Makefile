# Builds and installs the library: needs Rust, a C compiler with binutils, make and Python (for the manual).
#
#   make                        the libraries and what belongs to them, into target/package/
#   make install                to /usr/local, as a C library is
#   make uninstall
#   make install PREFIX=/usr DESTDIR=/tmp/root LIBDIR=/usr/lib/x86_64-linux-gnu
#
# PREFIX, LIBDIR, INCLUDEDIR and MANDIR say where the library will be, DESTDIR where the files go instead, for
# who makes packages. FEATURES are cargo's: "make FEATURES='--no-default-features --features loop'".
# BUILT is a folder that has both libraries already: then cargo is not called. DEBUG=keep leaves the debug
# information in the shared library, for who splits it off with tools of their own.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DESTDIR ?=
FEATURES ?=
DEBUG ?= split
CARGO ?= cargo
PYTHON ?= python3
INSTALL ?= install

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
# The number in the name changes with the binary interface: docs/abi.md.
SONAME := $(shell grep -o 'libvestibule\.so\.[0-9]*' build.rs | head -1)
SHARED := libvestibule.so.$(VERSION)
# Where it is relative, it is so to where cargo runs, which is here.
TARGET := $(or $(CARGO_TARGET_DIR),target)
BUILT ?= $(TARGET)/release
PACKAGE := $(TARGET)/package

all: $(PACKAGE)/$(SHARED) $(PACKAGE)/libvestibule.a $(PACKAGE)/vestibule.pc $(PACKAGE)/cmake $(PACKAGE)/man

# cargo knows best what is up to date.
ifeq ($(BUILT),$(TARGET)/release)
$(BUILT)/libvestibule.so $(BUILT)/libvestibule.a: built
built:
	$(CARGO) build --release --lib $(FEATURES)
endif

$(PACKAGE)/$(SHARED): $(BUILT)/libvestibule.so
	@mkdir -p $(@D)
	packaging/split $(DEBUG) $< $@

$(PACKAGE)/libvestibule.a: $(BUILT)/libvestibule.a include/vestibule.symbols packaging/fence
	@mkdir -p $(@D)
	packaging/fence $< include/vestibule.symbols $@

# Both say where things will be, so they are written anew each time.
places = sed -e 's|@PREFIX@|$(PREFIX)|g; s|@LIBDIR@|$(LIBDIR)|g; s|@INCLUDEDIR@|$(INCLUDEDIR)|g' \
    -e 's|@VERSION@|$(VERSION)|g; s|@SONAME@|$(SONAME)|g; s|@SHARED@|$(SHARED)|g'
$(PACKAGE)/vestibule.pc: packaging/vestibule.pc.in always
	@mkdir -p $(@D)
	$(places) $< > $@

$(PACKAGE)/cmake: packaging/vestibule-config.cmake.in packaging/vestibule-config-version.cmake.in always
	@mkdir -p $@
	$(places) packaging/vestibule-config.cmake.in > $@/vestibule-config.cmake
	$(places) packaging/vestibule-config-version.cmake.in > $@/vestibule-config-version.cmake

$(PACKAGE)/man: include/vestibule.h tools/header.py tools/manual.py tools/examples.py $(wildcard docs/functions/*.c)
	$(PYTHON) tools/manual.py man $@
	@touch $@

install: all
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/cmake/vestibule $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -d $(DESTDIR)$(MANDIR)/man3 $(DESTDIR)$(MANDIR)/man7
	$(INSTALL) -m 644 $(PACKAGE)/$(SHARED) $(PACKAGE)/libvestibule.a $(DESTDIR)$(LIBDIR)
	ln -sf $(SHARED) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libvestibule.so
	$(INSTALL) -m 644 $(PACKAGE)/vestibule.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	$(INSTALL) -m 644 $(PACKAGE)/cmake/* $(DESTDIR)$(LIBDIR)/cmake/vestibule
	$(INSTALL) -m 644 include/vestibule.h $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 644 $(PACKAGE)/man/man3/* $(DESTDIR)$(MANDIR)/man3
	$(INSTALL) -m 644 $(PACKAGE)/man/man7/* $(DESTDIR)$(MANDIR)/man7
ifeq ($(DEBUG),split)
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/.debug
	$(INSTALL) -m 644 $(PACKAGE)/$(SHARED).debug $(DESTDIR)$(LIBDIR)/.debug
endif

uninstall:
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,$(SHARED) $(SONAME) libvestibule.so libvestibule.a)
	rm -f $(DESTDIR)$(LIBDIR)/.debug/$(SHARED).debug $(DESTDIR)$(LIBDIR)/pkgconfig/vestibule.pc
	rm -rf $(DESTDIR)$(LIBDIR)/cmake/vestibule
	rm -f $(DESTDIR)$(INCLUDEDIR)/vestibule.h $(DESTDIR)$(MANDIR)/man7/vestibule.7
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man3/,$(addsuffix .3,$(shell cat include/vestibule.symbols)))

.PHONY: all built install uninstall always
