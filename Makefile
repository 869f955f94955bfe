# Anchorage. `make demo` and `make check` each do all the set-up; README.md says more. Whoever changes the code builds with
# WERROR=-Werror, as .ci/run does.
VERSION := $(shell sed -n 's/^.define ANCHORAGE_VERSION_STRING "\(.*\)"/\1/p' include/anchorage.h)
SOVERSION := 0# raised with every change that breaks programs linked before it: docs/LIBRARY.md
BUILD   ?= build
PREFIX  ?= /usr/local
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
EXTRA   ?=
WERROR  ?=
OBJCOPY ?= objcopy
REAL    ?= ../shared
PKG     := pkg-config

CPPFLAGS := -I. -D_GNU_SOURCE -DANC_VERSION='"$(VERSION)"'
CFLAGS   := -std=c11 -O2 -g -pthread -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes \
            -ffp-contract=off -fno-math-errno $(WERROR)

# Flags of the packages, from pkg-config; clusters without the Debian names fall back to the plain ones.
MPI_C  := $(shell $(PKG) --cflags ompi-c 2>/dev/null || mpicc --showme:compile 2>/dev/null)
MPI_L  := $(shell $(PKG) --libs ompi-c 2>/dev/null || mpicc --showme:link 2>/dev/null)
HDF5_C := $(shell $(PKG) --cflags hdf5-serial 2>/dev/null || $(PKG) --cflags hdf5 2>/dev/null)
HDF5_L := $(shell $(PKG) --libs hdf5-serial 2>/dev/null || $(PKG) --libs hdf5 2>/dev/null || echo -lhdf5)
BLAS_C := $(shell $(PKG) --cflags openblas 2>/dev/null)
BLAS_L := $(shell $(PKG) --libs openblas 2>/dev/null || echo -lopenblas)
# Packages outside of /usr (spack, modules): where pkg-config has them, found again when the program runs.
OTHERS := yajl expat yaml-0.1 libpng libjpeg libwebp libdeflate zlib cunit
IO_C   := $(filter-out -I/usr/include,$(sort $(shell for p in $(OTHERS); do \
            $(PKG) --variable=prefix $$p; done 2>/dev/null | sed 's,.*,-I&/include,')))
IO_L   := $(sort $(shell for p in $(OTHERS); do $(PKG) --libs-only-L $$p; done 2>/dev/null))
comma  := ,
RPATH   = $(patsubst -L%,-Wl$(comma)-rpath$(comma)%,$(filter-out -L/usr/%,$(filter -L%,$(LIBS))))
LIBS   := $(MPI_L) $(HDF5_L) $(BLAS_L) $(IO_L) -lyajl -lexpat -lyaml -lpng -ljpeg -lwebp -ldeflate -lz -lm

sources = $(sort $(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
# A room is a folder of core, io or jobs; what it may include is said at `layers` below and in docs/ARCHITECTURE.md.
ROOMS := core core/x86 core/api core/head core/synth $(addprefix io/,file text hdf5 dataset formats source store) mpi \
         jobs $(addprefix jobs/,cli label train propose inspect)
ALL   := $(call objects,$(filter-out jobs/main.c,$(foreach d,$(ROOMS),$(call sources,$(d)))))
tests = $(call objects,tests/main.c $(call sources,tests/$(1)))
TESTS := unit e2e team real
$(foreach t,$(TESTS),$(eval $(t) := $(call tests,$(t))))
BENCH := $(call objects,$(call sources,bench))
BINARIES := $(addprefix $(BUILD)/,anchorage $(TESTS) $(if $(BENCH),timings))
FUZZ  := $(call objects,$(filter-out tests/fuzz/damage.c,$(call sources,tests/fuzz)))
DAMAGE := $(call objects,tests/fuzz/damage.c tests/fuzz/readers.c)

# libanchorage: core/ with its kernels and its interface, without the head and the scenes: libc and libm are all it needs.
LIB   := $(call objects,$(filter-out core/brute.c,$(foreach d,core core/x86 core/api,$(call sources,$(d)))))
SHARED := $(BUILD)/libanchorage.so.$(VERSION)
STATIC := $(BUILD)/libanchorage.a

# What mpirun needs to be told on a desk or in a container; the program knows. On a cluster call mpirun or srun yourself.
desk     = eval "$$($(BUILD)/anchorage mpi-settings desk)" &&
say      = $(if $(V),,@echo "$(1) $@";)# V=1 shows the whole commands
find     = CC='$(CC)' FLAGS='$(MPI_C) $(HDF5_C) $(BLAS_C) $(IO_C)' LIBS='$(LIBS)' tools/deps.sh
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
again    = +@$(MAKE) --no-print-directory $(PARALLEL)

.PHONY: all lib programs check check-built check-faults check-slurm check-hosts check-real check-setup check-bytes check-systems \
        sanitize fuzz demo demo-built bench \
        bench-import bench-peers bench-survive deps install layers format clean
all: layers $(BUILD)/anchorage lib
	@ln -sfn $(BUILD)/anchorage anchorage

# What the packages' flags are is only known once deps has run, hence a make of its own for what follows.
demo: deps
	$(again) demo-built
check: deps
	$(again) all
	@$(find) --look-tests
	$(again) check-built

check-built: all $(addprefix $(BUILD)/,unit e2e team library)
	@$(desk) tools/check.sh $(BUILD) unit e2e team:1 team:2 team:3 team:5 library

demo-built: all
	@$(desk) examples/demo.sh ./anchorage demo

# Runs that are killed and folders that are damaged; a real SLURM; several hosts, as network namespaces.
check-faults check-slurm check-hosts: all
	@tests/cluster/$(@:check-%=%).sh $(BUILD)/anchorage

# The tests against the real data sets and the peers' own output, which are not part of this repository.
check-real: all $(BUILD)/real $(BUILD)/unit
	@$(desk) ANC_REAL=$(abspath $(REAL)) tools/check.sh $(BUILD) real

# What deps says and does on machines that lack things; builds and tests on bare Debian and Ubuntu systems: tools/check-systems.sh.
check-setup:
	@tests/setup.sh
check-systems:
	@tools/check-systems.sh
# The bytes of a fixed set of runs, on the versions of HDF5, zlib and OpenBLAS with which they were recorded.
check-bytes: all
	@tests/bytes/check.sh $(BUILD)/anchorage

sanitize:
	$(again) BUILD=$(BUILD)-sanitize EXTRA='-fsanitize=address,undefined -fno-sanitize-recover=all' $(BUILD)-sanitize/unit
	$(again) BUILD=$(BUILD)-threads EXTRA=-fsanitize=thread $(BUILD)-threads/unit
	@TSAN_OPTIONS=halt_on_error=1 $(BUILD)-threads/unit api
	@tools/check.sh $(BUILD)-sanitize unit

# SECONDS=n for each target, or RUNS=n; TARGETS="coco head" for some: docs/FUZZ.md. (SECONDS is a variable of bash's own.)
fuzz: all
	@CC=clang tools/deps.sh clang libclang-rt-dev
	$(again) $(BUILD)/damage
	$(again) CC=clang BUILD=$(BUILD)-fuzz WERROR= EXTRA='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
	    -DANC_BLOCK_BYTES=61' $(BUILD)-fuzz/fuzz
	@ln -f $(BUILD)/damage $(BUILD)-fuzz/damage
	@FUZZ_SECONDS='$(SECONDS)' tests/fuzz/run.sh $(BUILD)-fuzz $(BUILD)/anchorage $(abspath $(REAL))

bench: $(BUILD)/timings
	@$(BUILD)/timings
bench-survive: all
	@$(desk) bench/survive.sh $(BUILD)/anchorage
bench-import: all
	@$(desk) bench/import.sh $(BUILD)/anchorage
bench-peers: all $(BUILD)/timings
	@$(desk) bench/peers.sh $(BUILD)/anchorage
	@$(desk) bench/peers_head.sh $(BUILD)/anchorage
	@bench/peers_nms.sh $(BUILD)/timings
	@bench/peers_dense.sh $(BUILD)/timings
	@bench/peers_roi.sh $(BUILD)/timings

deps:
	@$(find)
# Once in a folder: one line where the compiler would print a wall of errors.
$(BUILD)/.packages:
	@$(find) --look
	@mkdir -p $(@D) && touch $@

# Everything below PREFIX; DESTDIR in front of it for packagers. LIBDIR=$(PREFIX)/lib64 where libraries lie there.
LIBDIR  ?= $(PREFIX)/lib
DOCDIR   = $(DESTDIR)$(PREFIX)/share/doc/anchorage
up       = $(shell realpath -m --relative-to=$(1) $(PREFIX))
fill     = sed 's,@VERSION@,$(VERSION),; s,@SOVERSION@,$(SOVERSION),; s,@UP@,$(call up,$(2)),' packaging/$(1).in >
install: all
	install -D -m 755 $(BUILD)/anchorage $(DESTDIR)$(PREFIX)/bin/anchorage
	install -D -m 644 include/anchorage.h $(DESTDIR)$(PREFIX)/include/anchorage.h
	install -d $(addprefix $(DESTDIR)$(LIBDIR)/,pkgconfig cmake/anchorage)
	install -m 755 $(SHARED) $(DESTDIR)$(LIBDIR)
	ln -sfn $(notdir $(SHARED)) $(DESTDIR)$(LIBDIR)/libanchorage.so.$(SOVERSION)
	ln -sfn libanchorage.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libanchorage.so
	install -m 644 $(STATIC) $(DESTDIR)$(LIBDIR)
	$(call fill,anchorage.pc,$(LIBDIR)/pkgconfig) $(DESTDIR)$(LIBDIR)/pkgconfig/anchorage.pc
	$(call fill,anchorageConfig.cmake,$(LIBDIR)) $(DESTDIR)$(LIBDIR)/cmake/anchorage/anchorageConfig.cmake
	$(call fill,anchorageConfigVersion.cmake,$(LIBDIR)) $(DESTDIR)$(LIBDIR)/cmake/anchorage/anchorageConfigVersion.cmake
	install -d $(DOCDIR)/examples $(DESTDIR)$(PREFIX)/share/anchorage/slurm
	install -m 644 LICENSE $(wildcard *.md docs/*.md) $(DOCDIR)
	install -m 644 $(wildcard examples/*.c examples/*.py examples/*.sh) $(DOCDIR)/examples
	install -m 644 $(wildcard jobs/slurm/*.sbatch) $(DESTDIR)$(PREFIX)/share/anchorage/slurm

lib: $(SHARED) $(STATIC)
$(SHARED): $(LIB) core/api/anchorage.map
	$(call say,link)$(CC) $(CFLAGS) $(EXTRA) -shared -Wl,-soname,libanchorage.so.$(SOVERSION) \
	    -Wl,--version-script=core/api/anchorage.map -Wl,-z,defs -Wl,-z,relro,-z,now $(LIB) -lm -o $@
	@ln -sfn $(@F) $(BUILD)/libanchorage.so.$(SOVERSION) && ln -sfn $(@F) $(BUILD)/libanchorage.so
# One object, in which only the interface's names are seen from outside, as in the shared one.
$(STATIC): $(LIB)
	$(call say,ar)$(CC) -r -nostdlib $(LIB) -o $(BUILD)/libanchorage.o && $(OBJCOPY) --localize-hidden $(BUILD)/libanchorage.o && \
	    rm -f $@ && $(AR) rcs $@ $(BUILD)/libanchorage.o

$(BUILD)/library: tests/library/check.sh
	@install -D -m 755 $< $@

programs: layers lib $(BINARIES)
$(BUILD)/anchorage: $(BUILD)/jobs/main.o $(ALL)
$(foreach t,$(TESTS),$(eval $(BUILD)/$(t): $($(t)) $(ALL)))
$(BUILD)/timings: $(BENCH) $(ALL)
$(BUILD)/damage: $(DAMAGE) $(ALL)
	$(call say,link)$(CC) $(CFLAGS) $(EXTRA) $^ $(LIBS) $(RPATH) -o $@
$(BUILD)/fuzz: $(FUZZ) $(ALL)
	$(call say,link)$(CC) $(CFLAGS) $(EXTRA) -fsanitize=fuzzer $^ $(LIBS) $(RPATH) -o $@
$(addprefix $(BUILD)/,$(TESTS)): LIBS += -lcunit
$(BINARIES):
	$(call say,link)$(CC) $(CFLAGS) $(EXTRA) $^ $(LIBS) $(RPATH) -o $@

# A folder sees only its own packages: <mpi.h> or <hdf5.h> in core/ does not compile.
$(BUILD)/core/head/%.o: CPPFLAGS += $(BLAS_C)
# The program's objects are the library's: on x86-64 hidden names are reached alike with -fPIC and -fPIE.
$(BUILD)/core/%.o:  CFLAGS += -fPIC -fvisibility=hidden
$(BUILD)/io/%.o:    CPPFLAGS += $(IO_C)
$(addprefix $(BUILD)/io/,$(addsuffix /%.o,hdf5 dataset source store)): CPPFLAGS += $(HDF5_C)
$(BUILD)/mpi/%.o:   CPPFLAGS += $(MPI_C)
$(BUILD)/jobs/%.o:  CPPFLAGS += $(MPI_C) $(HDF5_C) $(IO_C)
$(BUILD)/bench/%.o: CPPFLAGS += $(MPI_C) $(HDF5_C) $(IO_C)
$(BUILD)/tests/%.o: CPPFLAGS += $(MPI_C) $(HDF5_C) $(IO_C) -DANC_BINARY='"$(abspath $(BUILD))/anchorage"'
$(BUILD)/%avx2.o: CFLAGS += -mavx2 -mf16c
$(addprefix $(BUILD)/,io/hdf5/chunk.o core/head/dense.o core/head/head.o core/head/sgd.o core/head/winograd.o mpi/reduce.o): CFLAGS += -O3
$(BUILD)/%.o: %.c | $(BUILD)/.packages
	@mkdir -p $(@D)
	$(call say,$(CC))$(CC) $(CPPFLAGS) $(CFLAGS) $(EXTRA) -MMD -MP -c $< -o $@
-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

# Which rooms a room may include from. core/ knows nothing above it, formats/ never HDF5, store/ never formats/, core/ never
# core/head/. Each line: a room, then all that it may see.
define ARROWS
include:
core: core
core/x86: core
core/api: core core/api include
core/head: core core/head
core/synth: core core/synth
io/file: core io/file
io/text: core io/file io/text
io/hdf5: core io/file io/hdf5
io/dataset: core io/file io/text io/hdf5 io/dataset
io/formats: core io/file io/text io/dataset io/formats
io/source: core io/file io/text io/hdf5 io/dataset io/formats io/source
io/store: core core/head io/file io/text io/hdf5 io/dataset io/store
mpi: core/err.h mpi
jobs/cli: core core/head io/file io/text io/hdf5 io/dataset io/formats io/source io/store mpi jobs/cli jobs/job.h
endef
export ARROWS
layers:
	@tools/layers.sh

format:
	clang-format -i $(wildcard */*.[ch] */*/*.[ch])
clean:
	rm -rf $(BUILD) $(BUILD)-sanitize $(BUILD)-threads $(BUILD)-fuzz anchorage demo examples/__pycache__
