# Anchorage. `make demo` and `make check` each do all the set-up; see README.md.
VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
EXTRA   ?=
WERROR  ?= -Werror
PKG     := pkg-config

CPPFLAGS := -I. -D_GNU_SOURCE -DANC_VERSION='"$(VERSION)"'
CFLAGS   := -std=c11 -O2 -g -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes \
            -ffp-contract=off -fno-math-errno $(WERROR)

# Flags of the packages, from pkg-config; clusters without the Debian names fall back to the plain ones.
MPI_C  := $(shell $(PKG) --cflags ompi-c 2>/dev/null || mpicc --showme:compile 2>/dev/null)
MPI_L  := $(shell $(PKG) --libs ompi-c 2>/dev/null || mpicc --showme:link 2>/dev/null)
HDF5_C := $(shell $(PKG) --cflags hdf5-serial 2>/dev/null || $(PKG) --cflags hdf5 2>/dev/null)
HDF5_L := $(shell $(PKG) --libs hdf5-serial 2>/dev/null || $(PKG) --libs hdf5 2>/dev/null || echo -lhdf5)
IO_L   := -lyajl -linih -lpng -ldeflate -lz
LIBS   := $(MPI_L) $(HDF5_L) $(IO_L) -lm

sources = $(sort $(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
CORE  := $(call objects,$(call sources,core))
IO    := $(call objects,$(call sources,io))
MPI   := $(call objects,$(call sources,mpi))
JOBS  := $(call objects,$(filter-out jobs/main.c,$(call sources,jobs)))
ALL   := $(CORE) $(IO) $(MPI) $(JOBS)
UNIT  := $(call objects,tests/main.c $(wildcard tests/test_*.c))
E2E   := $(call objects,tests/main.c $(wildcard tests/e2e_*.c))
TEAM  := $(call objects,$(wildcard tests/mpi_*.c))

# A folder sees only its own packages: <mpi.h> or <hdf5.h> in core/ does not compile.
$(BUILD)/io/%.o:    CPPFLAGS += $(HDF5_C)
$(BUILD)/mpi/%.o:   CPPFLAGS += $(MPI_C)
$(BUILD)/jobs/%.o:  CPPFLAGS += $(MPI_C) $(HDF5_C)
$(BUILD)/tests/%.o $(BUILD)/bench/%.o: CPPFLAGS += $(MPI_C) $(HDF5_C)
$(BUILD)/core/%_avx2.o: CFLAGS += -mavx2

.PHONY: all clean deps layers demo check
all: layers $(BUILD)/anchorage
	@ln -sf $(BUILD)/anchorage anchorage

$(BUILD)/anchorage: $(BUILD)/jobs/main.o $(ALL)
$(BUILD)/unit: $(UNIT) $(ALL)
$(BUILD)/e2e: $(E2E) $(ALL)
$(BUILD)/unit $(BUILD)/e2e: LIBS += -lcunit
$(BUILD)/anchorage $(BUILD)/unit $(BUILD)/e2e:
	$(CC) $(CFLAGS) $(EXTRA) $^ $(LIBS) -o $@

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(EXTRA) -MMD -MP -c $< -o $@
-include $(ALL:.o=.d) $(UNIT:.o=.d) $(E2E:.o=.d) $(BUILD)/jobs/main.d

# Arrows: jobs -> io, mpi, core; io -> core; mpi -> core/err.h; core -> nothing.
layers:
	@! grep -nE '#include "(io|mpi|jobs|tests|bench)/' core/*.[ch] /dev/null
	@! grep -nE '#include "(mpi|jobs|tests|bench)/' io/*.[ch] /dev/null
	@! grep -nE '#include "(io|jobs|tests|bench|core)/' mpi/*.[ch] /dev/null | grep -v '"core/err.h"'

clean:
	rm -rf $(BUILD) anchorage
