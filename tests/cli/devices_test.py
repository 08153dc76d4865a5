# SPDX-License-Identifier: Apache-2.0
"""lewin devices: the list, the choice, and a machine without loader, driver or device."""
import json
import os
import sys

from lewin_test import check, check_fails, finish, folder, run

listed = run("devices")
check(listed.returncode == 0 and "* 0: " in listed.stdout, "the list marks device 0", listed)
for word in ("memory", "subgroup", "shared memory", "element types", "matrix kernels", "driver"):
    check(word in listed.stdout, "the list tells the %s" % word, listed)

devices = json.loads(run("devices", "--json").stdout)
check(len(devices) >= 1 and devices[0]["selected"], "JSON marks device 0")
check(devices[0]["memory_total"] >= devices[0]["memory_free"] > 0, "memory is plausible")
check("simt" in devices[0]["matrix_kernels"], "every device runs the simt products")

last = len(devices) - 1
chosen = json.loads(run("devices", "--json", "--device", str(last)).stdout)
check(chosen[last]["selected"], "an index chooses")
part = devices[last]["name"][:6].upper()
check(run("devices", "--device", part).returncode == 0, "a part of a name chooses")
check_fails(run("devices", "--device", "no such device"), 2, devices[0]["name"])
check_fails(run("devices", "--device", "99"), 2, devices[0]["name"])
hidden = json.loads(run("devices", "--json", "--hide-caps", "cpu,float16").stdout)
check(not {"cpu", "float16"} & set(hidden[0]["capabilities"]), "capabilities are hidden")
check("cpu" not in hidden[0]["matrix_kernels"], "without the capability no kernel that needs it")
check_fails(run("devices", "--hide-caps", "warp_drive"), 2, "warp_drive", "float16")
check_fails(run("devices", "extra"), 2, "extra")
check_fails(run("devices", "--jsn"), 2, "--json")

nothing = {"VK_DRIVER_FILES": "/nonexistent.json", "VK_ICD_FILENAMES": "/nonexistent.json",
           "VK_ADD_DRIVER_FILES": ""}
check_fails(run("devices", env=nothing), 4, "install")

if sys.platform.startswith("linux"):
    # A file that is no library stands in the way of the loader.
    with folder() as path:
        for name in ("libvulkan.so.1", "libvulkan.so"):
            open(os.path.join(path, name), "w").close()
        check_fails(run("devices", env={"LD_LIBRARY_PATH": path}), 4, "no Vulkan loader", "install")
finish()
