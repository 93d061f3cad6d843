namespace Profiles.Infrastructure.Editing;

/// <summary>Registers what changes profiles.</summary>
static class EditingSetup
{
    public static IServiceCollection AddEditing(this IServiceCollection services) => services
        .AddSingleton<ProfileTag>()
        .AddScoped<ProfileChange>();
}
