// SPDX-License-Identifier: Apache-2.0
//
// The calls of virtual Ethernet adapters: each names an adapter by its unit address and goes there (vdev/llan.c).
#include "papr/hcall_int.h"
#include "papr/vdev_ops.h"

static long lan_call(struct cpu *cpu, u32 number, u64 *args)
{
    struct vdev *vdev = vio_find(cpu_partition(cpu), args[0]);
    return vdev && vdev->ops->logical_lan ? vdev->ops->logical_lan(vdev, number, args) : H_PARAMETER;
}

// unit, buffer list, receive queue's descriptor, filter list, address
long h_register_logical_lan(struct cpu *cpu, u64 *args)
{
    return lan_call(cpu, H_REGISTER_LOGICAL_LAN, args);
}

// unit
long h_free_logical_lan(struct cpu *cpu, u64 *args)
{
    return lan_call(cpu, H_FREE_LOGICAL_LAN, args);
}

// unit, descriptor
long h_add_logical_lan_buffer(struct cpu *cpu, u64 *args)
{
    return lan_call(cpu, H_ADD_LOGICAL_LAN_BUFFER, args);
}

// unit, eight descriptors
long h_add_logical_lan_buffers(struct cpu *cpu, u64 *args)
{
    return lan_call(cpu, H_ADD_LOGICAL_LAN_BUFFERS, args);
}

// unit, size
long h_free_logical_lan_buffer(struct cpu *cpu, u64 *args)
{
    return lan_call(cpu, H_FREE_LOGICAL_LAN_BUFFER, args);
}

// unit, six descriptors, token, maximum segment size -> token
long h_send_logical_lan(struct cpu *cpu, u64 *args)
{
    return lan_call(cpu, H_SEND_LOGICAL_LAN, args);
}

// unit, what to do, address
long h_multicast_ctrl(struct cpu *cpu, u64 *args)
{
    return lan_call(cpu, H_MULTICAST_CTRL, args);
}

// unit, address
long h_change_logical_lan_mac(struct cpu *cpu, u64 *args)
{
    return lan_call(cpu, H_CHANGE_LOGICAL_LAN_MAC, args);
}

// unit, bits to clear, bits to set -> attributes
long h_illan_attributes(struct cpu *cpu, u64 *args)
{
    return lan_call(cpu, H_ILLAN_ATTRIBUTES, args);
}
