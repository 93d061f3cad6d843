namespace Profiles.Infrastructure.Errors;

/// <summary>Registers the one form of every error.</summary>
static class ErrorsSetup
{
    public static IServiceCollection AddErrors(this IServiceCollection services) => services
        .AddSingleton<IProblemDetailsWriter, ProblemWriter>()
        .AddProblemDetails()
        .AddExceptionHandler<ExceptionHandler>();

    /// <summary>Answers exceptions, and gives a body to the errors that have none.</summary>
    public static WebApplication UseErrors(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        return app;
    }
}
