using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Profiles.Infrastructure.Settings;

/// <summary>A setting that is an IP address.</summary>
[AttributeUsage(AttributeTargets.Property)]
sealed class IPAddressAttribute() : ValidationAttribute("{0} must be an IP address.")
{
    public override bool IsValid(object? value) => value is not string address || IPAddress.TryParse(address, out _);
}
