using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Http;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Admin;

/// <summary>Registers admin keys, and the port of the admin API when one is set.</summary>
static class AdminSetup
{
    public static IServiceCollection AddAdminKeys(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSection<AdminOptions>("Admin");
        if (AdminOptions.IsOn(configuration))
        {
            services.AddSingleton(provider =>
            {
                var options = provider.GetRequiredService<IOptions<AdminOptions>>().Value;
                return ExtraListener.Of("Admin__Port", AdminEndpointAttribute.Path, options.Address, options.Port);
            });
        }
        return services.AddScoped<AdminKeys>();
    }
}
