namespace Profiles.Infrastructure.Pages;

/// <summary>Registers what the service's own pages need.</summary>
static class PagesSetup
{
    public static IServiceCollection AddPages(this IServiceCollection services) => services.AddSingleton<SameOriginCheck>();
}
