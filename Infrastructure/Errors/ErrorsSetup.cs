namespace Profiles.Infrastructure.Errors;

/// <summary>Registers problem details for every error.</summary>
static class ErrorsSetup
{
    public static IServiceCollection AddErrors(this IServiceCollection services) => services
        .AddSingleton<IProblemDetailsWriter, ProblemWriter>()
        .AddProblemDetails()
        .AddExceptionHandler<ExceptionHandler>();

    /// <summary>Answers exceptions, and adds a body to errors without one.</summary>
    public static WebApplication UseErrors(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        return app;
    }
}
