namespace Profiles.Infrastructure.Editing;

/// <summary>Registers the services that change profiles.</summary>
static class EditingSetup
{
    public static IServiceCollection AddEditing(this IServiceCollection services) => services
        .AddSingleton<ProfileTag>()
        .AddScoped<ProfileChange>();
}
